import type { DeviceRequest, DeviceSpecs, KindName, SettingsRequest, StorageRequest } from '../domain/index.js';

/**
 * Names one device: by user alias (`{ alias: 'ua-data' }`), or by kind and id, target, MAC or other natural name
 * (`{ disk: 'data' }`, `{ disk: 'vdb' }`, `{ interface: '52:54:00:aa:bb:cc' }`). Of several of one name each is known by the
 * number or the address that `devices()` shows: `{ interface: '52:54:00:aa:bb:cc #2' }`, `{ input: 'usb 0:2' }`.
 */
export type DeviceSelector = { readonly alias: string } | { [K in KindName]: { readonly [P in K]: string } }[KindName];

/** New values for fields of a device's spec; `null` removes a field. What is not named stays, inside groups too. */
export type FieldChanges<Spec> = { readonly [K in keyof Spec]?: FieldChange<NonNullable<Spec[K]>> | null | undefined };
type FieldChange<T> = T extends readonly unknown[] ? T : T extends object ? FieldChanges<T> : T;

/** A change of one device in place. */
export type DeviceUpdate = {
  [K in keyof DeviceSpecs]: { readonly [P in K]: string } & { readonly set: FieldChanges<DeviceSpecs[K]> };
}[keyof DeviceSpecs];

/** What a caller asks for. */
export interface ChangeRequest {
  /** Devices to plug in. One that is already there, just as asked, is no operation. */
  readonly attach?: readonly DeviceRequest[] | undefined;
  /**
   * Devices to unplug. One that is not there is no operation; one that only the other document has is refused when `scope`
   * is `live` or `config`.
   */
  readonly detach?: readonly DeviceSelector[] | undefined;
  readonly update?: readonly DeviceUpdate[] | undefined;
  readonly set?: SettingsRequest | undefined;
  /** How the volumes of disks are connected: records by id or target, kept with the domain. See {@link StorageRequest}. */
  readonly storage?: StorageRequest | undefined;
  /**
   * Which documents devices are changed in. `persistent` (default): the canonical one, and the live one when the domain
   * runs. `both`: the same, but refused when it does not run. `live`: gone at the next cold boot. `config`: there from
   * the next cold boot. libvirt's CURRENT is not offered: on a running domain it silently means live only.
   */
  readonly scope?: 'persistent' | 'both' | 'live' | 'config' | undefined;
  /**
   * What a detach and an attach of one device in one request mean: they contradict each other (`refuse`, the default, is
   * `SPEC_INVALID`), or the one is to take the place of the other (`allow`), at the same address if it can sit there.
   */
  readonly replace?: 'refuse' | 'allow' | undefined;
  /** What becomes of an attach or detach that the running guest cannot have now. Default `refuse`. */
  readonly ifNotLive?: 'refuse' | 'next-boot' | undefined;
  /**
   * Which document loses a device first. `live-first` (default): the running guest, and the canonical document only once
   * it has let go. `config-first`: the canonical document, whatever the guest does; a guest that keeps the device has it
   * until the next cold boot, and the apply succeeds all the same (`result.unplugs` tells).
   */
  readonly detachOrder?: 'live-first' | 'config-first' | undefined;
}
