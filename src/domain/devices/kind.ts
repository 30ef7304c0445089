import type { Leaves } from '../../xml/index.js';
import type { Assignment, FieldTable } from './fields.js';

/** What every device spec may say. */
export interface DeviceSpecBase {
  /** Stable name of the device; stands as the user alias `ua-<id>`. */
  readonly id?: string | undefined;
  /**
   * Where it is to sit, as `devices()` shows it: `'0000:04:00.0'` (PCI), `'drive 0:0:0:1'`, `'usb 0:1'`,
   * `'virtio-serial 0:0:1'`, `'ccid 0:0'`, `'dimm 0'`. Left out, a place free in both documents is chosen.
   */
  readonly address?: string | undefined;
}

/** A device that a guest can boot from. */
export interface BootableSpec extends DeviceSpecBase {
  /** Boot order, 1 first. Never two devices with one. */
  readonly boot?: number | undefined;
}

/**
 * Which bus a device needs a place on. `express` and `conventional` tell a PCIe port from a conventional PCI slot; `virtio`
 * marks what goes onto another bus on a machine whose virtio devices are not on PCI.
 */
export type BusRequirement =
  | { readonly type: 'pci'; readonly slot: 'express' | 'conventional'; readonly virtio?: true }
  | { readonly type: 'ccw' }
  | { readonly type: 'virtio-mmio' }
  /** `first` is the number at which libvirt begins for the kind. */
  | { readonly type: 'spapr-vio'; readonly first: number }
  | { readonly type: 'drive'; readonly controller: 'scsi' | 'sata' | 'ide' | 'fdc'; readonly target: string }
  | { readonly type: 'usb' }
  | { readonly type: 'virtio-serial' }
  | { readonly type: 'ccid' }
  | { readonly type: 'dimm' };

/** Values that an element must have for a row to apply, by path; a missing value counts as `''`, and `*` is any that is there. */
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

/** Something that the domain must have for a device of the kind to be attached. */
export interface RequireRow {
  /** In which document; both when left out. */
  readonly scope?: 'live' | 'config';
  readonly where?: Where;
  /** XPath relative to `<domain>` that must select something. */
  readonly domain: string;
  /** First libvirt that asks for it, as semver; left out when every supported one does. */
  readonly since?: string;
  readonly reason: string;
  readonly remedy: string;
  readonly source: string;
}

/** A value without which libvirt takes no device of the kind. */
export interface MustRow {
  readonly path: string;
  readonly pattern: RegExp;
  /** For people: what it must be. */
  readonly expected: string;
  readonly source: string;
}

/** A path whose value all devices of the kind in a domain share. */
export interface AlikeRow {
  readonly path: string;
  /** What libvirt takes when it is left out. */
  readonly otherwise: string;
  /** First libvirt that asks for it, as semver; left out when every supported one does. */
  readonly since?: string;
  readonly source: string;
}

/** How many devices of the kind a domain can have. */
export interface LimitRow {
  readonly atMost: number;
  /** Which of the kind are counted. */
  readonly where?: Where;
  /** libvirt version from which the limit is gone. */
  readonly until?: string;
  readonly source: string;
}

/** A path that libvirt fills in while the guest runs: no difference from the canonical document. */
export interface LiveOnlyRow {
  readonly path: string;
  readonly where?: Where;
  /** A caller may ask for it all the same, and the canonical document keeps it. */
  readonly persistable?: true;
  /** QEMU raises the value at each start: what a document of a running guest says of it is no wish, and nothing is pending. */
  readonly raised?: true;
}

/** What libvirt makes of something that a document given to it says: other words for it, or none. */
export interface NormalizationRule {
  /** What it is about: a path and all below it, or the paths that a pattern fits. */
  readonly path: string | RegExp;
  /** Conditions on what is asked. */
  readonly where?: Where;
  /** libvirt reads it only where one of these holds, of what is asked or else there; elsewhere it is dropped. */
  readonly unless?: readonly Where[];
  /** Which of the values that are asked; any when left out. */
  readonly asked?: RegExp;
  /**
   * What the canonical document may say instead, with `$&` and `$1` standing for parts of what was asked, as in
   * `String.replace`; a function: true when the document has what libvirt makes of what was asked; `nothing`: libvirt does not write it; `any`: whatever it is, libvirt
   * chose it.
   */
  readonly there: readonly string[] | ((asked: Leaves, there: Leaves, path: string) => boolean) | 'any' | 'nothing';
  readonly source: string;
}

/** What libvirt chooses where a device leaves it out, so that the device can be named before libvirt has written it. */
export interface ChosenRow {
  readonly path: string;
  readonly value: string;
  /** Conditions on the device. */
  readonly where?: Where;
  /** Another value of the device that it follows from, and the pattern that this fits. */
  readonly follows?: readonly [path: string, pattern: RegExp];
  /** Conditions on the domain, by path of its document. */
  readonly domain?: Where;
  readonly source: string;
}

/** A device that libvirt adds to a domain by itself: leaving it out of a desired state is no request to take it away. */
export interface ImplicitRow {
  readonly where?: Where;
  /** Only when the domain has no other device of the kind. */
  readonly only?: true;
  readonly source: string;
}

/** A list in a device of which libvirt keeps an order of its own. */
export interface UnorderedRow {
  /** The repeated element. */
  readonly path: string;
  /** The value that tells one item from another; left out, all that it says. */
  readonly key?: string;
  /** A value that makes an item say nothing, so that libvirt leaves it out. */
  readonly void?: readonly [path: string, value: string];
  /** Of several items with one key libvirt keeps the last. */
  readonly once?: 'last';
  readonly source: string;
}

/** One kind of device: everything the library knows of it. Adding a kind is adding a file that exports one of these. */
export interface DeviceKind<Spec extends object = Record<string, unknown>> {
  /** Name of the element below `<devices>`, and of the kind in requests. */
  readonly element: string;
  /** Key of a list of such devices in a domain spec, for the kinds that have one of their own. */
  readonly plural?: string;
  /** First libvirt that knows the element, as semver; left out when every supported one does. */
  readonly since?: string;
  readonly fields: FieldTable<Spec>;
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
  readonly requires?: readonly RequireRow[];
  readonly limits?: readonly LimitRow[];
  readonly alike?: readonly AlikeRow[];
  readonly musts?: readonly MustRow[];
  /** Can update-device change it at all, in the canonical document? */
  readonly updateConfig: boolean;
  readonly updates: readonly UpdateRow[];
  /** A LIVE update must be given the element as it runs, so that one call can never serve both documents. */
  readonly needsSeparateLiveUpdate?: true;
  /** Paths that name the device and so can't be changed by an update. */
  readonly identity: readonly string[];
  /** Paths that the guest can see, beside the address and the boot order. */
  readonly abi: readonly string[];
  readonly liveOnly: readonly LiveOnlyRow[];
  /** Paths that libvirt leaves out of the document of a running guest: that it lacks them is no difference. */
  readonly coldOnly?: ReadonlyArray<Pick<LiveOnlyRow, 'path' | 'where'>>;
  /** What libvirt writes otherwise than it was asked for, which is no difference. */
  readonly normal?: readonly NormalizationRule[];
  /** Lists in which the order says nothing. */
  readonly unordered?: readonly UnorderedRow[];
  /** What libvirt chooses where the device leaves it out. */
  readonly chosen?: readonly ChosenRow[];
  /** Which of the kind libvirt adds by itself. */
  readonly implicit?: readonly ImplicitRow[];
  /** No two devices of the kind have one name: libvirt refuses the second. */
  readonly namesOne?: true;
  /** libvirt numbers such devices itself, so that one is also known by what it says beside its number. */
  readonly indexedByLibvirt?: true;
  /** Paths whose values never show in plans, errors or logs. */
  readonly secret?: readonly string[];
  /** Paths of the domain document, outside the devices, that libvirt changes when such a device comes or goes. */
  readonly touches?: readonly string[];
  /** The bus it takes a place on; undefined when it needs none. */
  bus(leaves: Leaves): BusRequirement | undefined;
}

/** True when every condition of `where` holds. */
export function applies(where: Where | undefined, leaves: Leaves): boolean {
  return (
    where === undefined ||
    Object.entries(where).every(
      ([path, values]) => values.includes(leaves.get(path) ?? '') || (values.includes('*') && leaves.has(path)),
    )
  );
}
