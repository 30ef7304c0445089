import type { DeviceRequest, KindName } from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';

/** One device as the matrix plugs it into a real domain. Each kind exports a list of these from `cases/<kind>.ts`. */
export interface KindCase {
  readonly kind: KindName;
  /** What sets it apart from the kind's other cases: `virtio`, `usb cdrom`, `dimm` … */
  readonly title: string;
  /** Session mode can do it, or only a privileged daemon, or nothing here (`none`: rows by source only, with `why`). */
  readonly host: 'session' | 'privileged' | 'none';
  readonly why?: string;
  /** The device; made for the host, so that images and sockets can be prepared. */
  device(host: PrivateHost): Promise<DeviceRequest> | DeviceRequest;
  /** Devices the domain must be defined with (controllers …), as XML or specs. */
  readonly domain?: { readonly devices?: readonly DeviceRequest[]; readonly xml?: (xml: string) => string };
  /** Changes to try with update-device, by spec field; each is tried live and config, as the kind's rows say. */
  readonly updates?: ReadonlyArray<{ readonly set: Readonly<Record<string, unknown>> }>;
  /** What the plan refuses although libvirt would do it, with the reason why that is for the better. */
  readonly stricter?: Partial<Record<'attach live' | 'attach config' | 'detach live' | 'detach config', string>>;
  /** Spec fields that libvirt answers with another value than was given, with the reason. */
  readonly rewritten?: Readonly<Record<string, string>>;
  /** QEMU or virtlogd keeps what it opened for the device until the machine is off. */
  readonly holds?: true;
  /** Why a reset of the machine does not make it let go of the device, as it does with others: live detach is not tried. */
  readonly needsGuest?: string;
}
