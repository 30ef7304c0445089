import type { Leaves } from '../../xml/index.js';
import type { Assignment, FieldTable } from './fields.js';

/** Which bus a device needs a place on. `express` and `conventional` tell a PCIe port from a conventional PCI slot. */
export type BusDemand =
  | { readonly type: 'pci'; readonly slot: 'express' | 'conventional' }
  | { readonly type: 'drive'; readonly controller: 'scsi' | 'sata' | 'ide' | 'fdc'; readonly target: string }
  | { readonly type: 'usb' };

/** Values that an element must have for a row to apply, by path; a missing value counts as `''`. */
export type Where = Readonly<Record<string, readonly string[]>>;

/** One row of what attach-device and detach-device can do with a kind. The first row that applies decides. */
export interface SupportRow {
  readonly action: 'attach' | 'detach';
  readonly scope: 'live' | 'config';
  readonly where?: Where;
  /** libvirt version from which the row holds, as semver. */
  readonly since?: string;
  readonly supported: boolean;
  /** For people: why not. */
  readonly reason?: string;
  /** The libvirt function or document that says so. */
  readonly source: string;
}

/** What update-device does LIVE with a changed path: change the guest, refuse the call, or do nothing and say success. */
export interface UpdateRow {
  readonly path: string;
  readonly live: 'yes' | 'refused' | 'ignored';
  readonly where?: Where;
  readonly since?: string;
  readonly source: string;
}

/** One kind of device: everything the library knows of it. Adding a kind is adding a file that exports one of these. */
export interface DeviceKind<Spec extends object = Record<string, unknown>> {
  /** Name of the element below `<devices>`, and of the kind in requests. */
  readonly element: string;
  /** Key of a list of such devices in a domain spec. */
  readonly plural?: string;
  readonly fields?: FieldTable<Spec>;
  readonly required?: ReadonlyArray<keyof Spec & string>;
  /** Groups of fields of which a device has one at most; setting one removes the others. */
  readonly exclusive?: ReadonlyArray<ReadonlyArray<keyof Spec & string>>;
  /** What is written when the spec does not say otherwise. */
  readonly defaults?: readonly Assignment[];
  /** What libvirt would derive from the rest, said outright so that a plan can reckon with it. */
  derive?(leaves: Leaves): readonly Assignment[];
  /** Refuses fields that do not go together; `where` is the place in the request. */
  check?(leaves: Leaves, where: string): void;
  /** Names by which the device is known beside its user alias, best first; undefined ones do not count. */
  names(leaves: Leaves): ReadonlyArray<string | undefined>;
  /** Paths whose value no two devices of the domain may share, with what people call them. */
  readonly unique: Readonly<Record<string, string>>;
  readonly support: readonly SupportRow[];
  /** Can update-device change it at all, in the canonical document? */
  readonly updateConfig: boolean;
  readonly updates: readonly UpdateRow[];
  /** Paths that name the device and so can't be changed by an update. */
  readonly identity: readonly string[];
  /** Paths that the guest can see, beside the address and the boot order. */
  readonly abi: readonly string[];
  /** Paths that libvirt fills in while the guest runs; no difference from the canonical document. */
  readonly liveOnly: ReadonlyArray<{ readonly path: string; readonly where?: Where }>;
  /** The bus it takes a place on; undefined when it needs none. */
  bus(leaves: Leaves): BusDemand | undefined;
}

/** True when every condition of `where` holds. */
export function applies(where: Where | undefined, leaves: Leaves): boolean {
  return (
    where === undefined || Object.entries(where).every(([path, values]) => values.includes(leaves.get(path) ?? ''))
  );
}
