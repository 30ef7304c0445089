import { DomainReader, GuestAbiChangedError, type InterruptedApply, interruptedIn, queued } from '../apply/index.js';
import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
import {
  type AbiDifference,
  addressText,
  compareGuestAbi,
  type Device,
  decodeSpec,
  type GuestAbi,
  guestAbi,
  seenByGuest,
} from '../domain/index.js';
import { type MigrationInFlight, migrationInFlight } from '../migration/index.js';
import { type Pending, pendingOf } from '../observe/index.js';
import { type DiskStorage, disksOf } from '../plan/index.js';
import {
  type DomainLog,
  type DomainState,
  type DomainStateReason,
  domainLog,
  hasManagedSave,
  managedSaveDocument,
  stateOf,
} from '../power/index.js';
import { serialize } from '../xml/index.js';

/** A device as both documents show it. */
export interface DeviceView {
  /** Unique within the domain: `disk root`, `interface 52:54:00:aa:bb:cc`. */
  readonly identity: string;
  readonly kind: string;
  /** The id given at define or attach, without `ua-`. */
  readonly id: string | undefined;
  /** Natural name: target, MAC, type and index … */
  readonly name: string;
  /** Where it is in the canonical document, and where in the running guest: `pci 0000:04:00.0`. */
  readonly address: string | undefined;
  readonly liveAddress: string | undefined;
  /** Which documents have it. */
  readonly in: 'both' | 'canonical' | 'live';
  /** The spec that describes it. What a spec cannot say is in `xml` only. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly xml: string;
}

/** What one can ask of a domain without changing it. Every public method of this room's classes is one of `ManagedDomain`. */
export abstract class DomainView {
  /** @internal */
  protected reader: DomainReader;

  /** @internal */
  constructor(connection: Connection, handle: DomainHandle) {
    this.reader = new DomainReader(connection, handle);
  }

  get name(): string {
    return this.reader.handle.name;
  }

  get uuid(): string {
    return this.reader.handle.uuid;
  }

  /**
   * An apply that was interrupted halfway by the end of its process, as of the last time that this object read the domain:
   * `manager.get()` and `list()` read it. Undefined when there is none. `recover` settles it.
   */
  get interrupted(): InterruptedApply | undefined {
    return this.reader.last && interruptedIn(this.reader.last);
  }

  /** A migration that is under way or was cut, as of the last read, as {@link interrupted}. `recoverMigration` settles one that was cut. */
  get migration(): MigrationInFlight | undefined {
    return this.reader.last && migrationInFlight(this.reader.last);
  }

  /** What the domain is doing. virDomainGetState. */
  async state(options: CallOptions = {}): Promise<DomainState> {
    return (await stateOf(this.reader, options)).state;
  }

  /** What the domain is doing, and why, in libvirt's words: `paused` for `ioError`. virDomainGetState. */
  stateReason(options: CallOptions = {}): Promise<{ readonly state: DomainState; readonly reason: DomainStateReason }> {
    return stateOf(this.reader, options);
  }

  /** The canonical document: the persistent XML, with secrets where the connection may see them. virDomainGetXMLDesc INACTIVE | SECURE. */
  async canonical(options: CallOptions = {}): Promise<string> {
    return (await this.reader.documents(options)).canonical.xml;
  }

  /** The XML of the running guest; undefined when the domain is shut off. virDomainGetXMLDesc SECURE. */
  async live(options: CallOptions = {}): Promise<string | undefined> {
    return (await this.reader.documents(options)).live?.xml;
  }

  /** Every device of either document. */
  async devices(options: CallOptions = {}): Promise<DeviceView[]> {
    const { canonical, live } = await this.reader.documents(options);
    const onlyLive = (live?.devices ?? []).filter((device) => !canonical.counterpart(device));
    return [
      ...canonical.devices.map((device) => viewOf(device, device, live?.counterpart(device))),
      ...onlyLive.map((device) => viewOf(device, undefined, device)),
    ];
  }

  /**
   * Every disk with where its data is, and the record of how its volume was connected that the caller left by `storage`:
   * of the canonical document, or of the live one.
   */
  async storage(options: CallOptions & { readonly document?: 'canonical' | 'live' } = {}): Promise<DiskStorage[]> {
    const { document = 'canonical', ...call } = options;
    const { canonical, live } = await this.reader.documents(call);
    return disksOf(document === 'live' ? (live ?? canonical) : canonical);
  }

  /** Everything the guest can see that libvirt fixed: of the canonical document, or of the live one. Keep it to `verify` later. */
  async guestAbi(options: CallOptions & { readonly document?: 'canonical' | 'live' } = {}): Promise<GuestAbi> {
    const { document = 'canonical', ...call } = options;
    const { canonical, live } = await this.reader.documents(call);
    return guestAbi(document === 'live' ? (live ?? canonical) : canonical);
  }

  /**
   * Compares the canonical document, and the running guest if there is one, with an earlier `guestAbi()`. Resolves when
   * nothing has moved, rejects with `GUEST_ABI_CHANGED` and the list of differences otherwise. What only a newer libvirt
   * lists, though it was always there, is none; it resolves with those, each with the reason why it is `benign`.
   */
  async verify(reference: GuestAbi, options: CallOptions = {}): Promise<readonly AbiDifference[]> {
    const { canonical, live } = await this.reader.documents(options);
    const all = [
      ...compareGuestAbi(reference, guestAbi(canonical)),
      ...(live ? compareGuestAbi(reference, guestAbi(live), { live: true }) : []),
    ];
    const differences = seenByGuest(all);
    if (differences.length > 0)
      throw new GuestAbiChangedError(
        `the guest ABI of ${this.name} differs from the reference`,
        differences,
        this.name,
      );
    return all;
  }

  /**
   * What waits for the next cold boot, each with the reason, and so is not what the running or saved guest sees. A reboot
   * by the guest applies none of it. virDomainGetXMLDesc, virDomainManagedSaveGetXMLDesc.
   */
  async pending(options: CallOptions = {}): Promise<Pending> {
    const [context, saved] = await Promise.all([
      this.reader.context(options),
      hasManagedSave(this.reader, options).then((there) =>
        there ? managedSaveDocument(this.reader, options) : undefined,
      ),
    ]);
    return pendingOf(context, saved);
  }

  /**
   * The end of the domain's log since its last start, as libvirt and QEMU wrote it: why it crashed, or did not start. Only
   * where this machine has the file, see `logDirectory` of `connect`; otherwise it says why not.
   */
  log(options: CallOptions = {}): Promise<DomainLog> {
    return domainLog(this.reader, options);
  }

  /**
   * Power and apply of one domain never run at once within this process.
   * @internal
   */
  protected alone<T>(work: () => Promise<T>): Promise<T> {
    return queued(this.uuid, work);
  }
}

function viewOf(device: Device, canonical: Device | undefined, live: Device | undefined): DeviceView {
  return {
    identity: device.identity,
    kind: device.kind.element,
    id: device.userAlias?.slice(3),
    name: device.name,
    address: canonical?.address && addressText(canonical.address),
    liveAddress: live?.address && addressText(live.address),
    in: canonical && live ? 'both' : canonical ? 'canonical' : 'live',
    spec: decodeSpec(device.kind.fields, device.leaves),
    xml: serialize(device.element),
  };
}
