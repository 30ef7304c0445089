import gte from 'semver/functions/gte.js';
import {
  addressText,
  applies,
  busOf,
  type Device,
  type DomainDocument,
  formatValue,
  type ObservedDomain,
  type Operation,
  type Refusal,
  type Scope,
  type SupportRow,
  specInvalid,
  Topology,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { parseElement, selectText, serialize } from '../xml/index.js';
import { Intent } from './intent.js';
import type { ChangeRequest } from './request.js';

/** A plan in the making: what the parts of a request have led to so far, and the places they have taken. */
export class Draft {
  readonly context: ObservedDomain;
  readonly topology: Topology;
  /** Places on each bus before the plan. */
  readonly capacity: ReturnType<Topology['capacity']>;
  readonly replace: 'refuse' | 'allow';
  readonly ifNotLive: 'refuse' | 'next-boot';
  readonly detachOrder: 'live-first' | 'config-first';
  readonly operations: Operation[] = [];
  readonly refusals: Refusal[] = [];
  readonly notes: string[] = [];
  /** Operations that write records of disks: before the disks come when they add any, after they have gone otherwise. */
  storage: { readonly operations: readonly Operation[]; readonly when: 'first' | 'last' } | undefined;
  /** Devices that the request attaches and detaches, to find contradictions and duplicates among them. */
  readonly attached: Array<{ device: Device; path: string; scope: Scope }> = [];
  /** `stays`: the running guest keeps it until the next cold boot. */
  readonly detached: Array<{ device: Device; path: string; stays: Device | undefined }> = [];
  /** Boot orders of the canonical document as the operations so far leave them, by device. */
  readonly bootOrders = new Map<string, string>();
  /** Devices whose boot order an operation further down changes, and to what. */
  readonly requestedBootOrders = new Map<string, string | undefined>();
  /** Devices that wait at another boot order for their own, as they stand meanwhile. */
  readonly temporaryBootOrders = new Map<string, Device>();
  /** Devices whose source the plan updates, as they are to be, and where the request says so. */
  readonly resourced = new Map<string, { device: Device; path: string }>();
  /** What callers asked for so far, when the domain holds it. */
  readonly intent: Intent | undefined;
  readonly #claims = new Map<string, string>();
  readonly #scope: NonNullable<ChangeRequest['scope']>;

  constructor(context: ObservedDomain, request: ChangeRequest) {
    this.context = context;
    this.topology = new Topology(context.canonical, context.live);
    this.capacity = this.topology.capacity();
    for (const { identity, leaves } of context.canonical.devices) {
      const order = leaves.get('boot/@order');
      if (order !== undefined) this.bootOrders.set(identity, order);
    }
    this.intent = Intent.read(context.canonical);
    for (const address of this.intent?.freedAddresses ?? []) this.topology.keepFor(address);
    this.replace = request.replace ?? 'refuse';
    this.ifNotLive = request.ifNotLive ?? 'refuse';
    this.detachOrder = request.detachOrder ?? 'live-first';
    this.#scope = request.scope ?? 'persistent';
    if (this.replace !== 'refuse' && this.replace !== 'allow')
      throw specInvalid('replace', `${formatValue(this.replace)} is no way to go on`, 'Give refuse or allow');
    if (this.ifNotLive !== 'refuse' && this.ifNotLive !== 'next-boot') {
      throw specInvalid('ifNotLive', `${formatValue(this.ifNotLive)} is no way to go on`, 'Give refuse or next-boot');
    }
    if (this.detachOrder !== 'live-first' && this.detachOrder !== 'config-first') {
      throw specInvalid(
        'detachOrder',
        `${formatValue(this.detachOrder)} is no order`,
        'Give live-first or config-first',
      );
    }
    if (!['persistent', 'both', 'live', 'config'].includes(this.#scope)) {
      throw specInvalid('scope', `${formatValue(this.#scope)} is no scope`, 'Give persistent, both, live or config');
    }
  }

  /** The documents that devices change in; undefined, with a refusal, when the domain has no such document. */
  scope(subject: string, path: string): Scope | undefined {
    const { live, persistent } = this.context;
    const asked = this.#scope;
    if (asked !== 'live' && !persistent) {
      this.refuse(subject, path, 'the domain is transient and has no canonical document', "Ask for scope: 'live'");
      return undefined;
    }
    if (live === undefined && (asked === 'live' || asked === 'both')) {
      this.refuse(subject, path, 'the domain is not running', "Start it, or ask for scope: 'persistent' or 'config'");
      return undefined;
    }
    if (asked === 'persistent') return live ? 'both' : 'config';
    return asked;
  }

  /** Devices that the canonical document has once the operations have run, and did not before or did otherwise. */
  get attachedForGood(): Device[] {
    return this.#scope === 'live' ? [] : this.attached.map(({ device }) => device);
  }

  /** Devices that it does not have any more then. */
  get detachedForGood(): Device[] {
    const again = new Set(this.attached.map(({ device }) => device.identity));
    return this.#scope === 'live'
      ? []
      : this.detached.flatMap(({ device }) => (again.has(device.identity) ? [] : [device]));
  }

  /** Where the device sat before this plan takes it out, or before it was detached last; a place on another bus is none. */
  formerAddress(device: Device): string | undefined {
    const former = this.detached.find((each) => each.device.identity === device.identity)?.device;
    if (former && this.#busNameOf(former) !== this.#busNameOf(device)) return undefined;
    return former?.address ? addressText(former.address) : this.intent?.formerAddress(device);
  }

  /** PCI is one bus here: whether a slot takes the sort of device is asked when the place is given. */
  #busNameOf(device: Device): string | undefined {
    const demand = this.topology.demandOf(device);
    return demand?.type === 'pci' ? 'pci' : demand && busOf(demand);
  }

  /** True when a document, or what the plan has attached to it so far, has what an XPath relative to `<domain>` selects. */
  holds(document: DomainDocument, xpath: string): boolean {
    if (document.value(xpath) !== undefined) return true;
    const side = document === this.context.live ? 'live' : 'config';
    const added = this.attached.filter(({ scope }) => scope === 'both' || scope === side);
    if (added.length === 0) return false;
    const devices = added.map(({ device }) => serialize(device.element)).join('');
    return selectText(parseElement(`<domain><devices>${devices}</devices></domain>`), xpath) !== undefined;
  }

  /** Keeps a second detach or update from undoing the first: each is made of the documents as they are now. */
  claim(device: string, path: string): void {
    const earlier = this.#claims.get(device);
    if (earlier === undefined) {
      this.#claims.set(device, path);
      return;
    }
    throw new LibvirtCanonicalError('SPEC_INVALID', `${path}: ${device} is the subject of ${earlier} already`, {
      path,
      device,
      remedy: 'Say in one place what is to become of it',
    });
  }

  refuse(subject: string, path: string, reason: string, remedy: string): void {
    this.refusals.push({ subject, path, reason, remedy });
  }

  /** True when the connected libvirt is at least this version. */
  since(version: string | undefined): boolean {
    return version === undefined || gte(this.context.versions.libvirt, version);
  }

  /** The row that decides whether a device can be attached or detached in a document. */
  support(device: Device, action: SupportRow['action'], scope: SupportRow['scope']): SupportRow | undefined {
    return device.kind.support.find(
      (row) =>
        row.action === action && row.scope === scope && applies(row.where, device.leaves) && this.since(row.since),
    );
  }

  /** Why a device cannot be attached or detached there; undefined when it can. */
  whyNot(device: Device, action: SupportRow['action'], scope: SupportRow['scope']): string | undefined {
    const row = this.support(device, action, scope);
    if (row?.supported) return undefined;
    const later = device.kind.support.find(
      (each) =>
        each.action === action &&
        each.scope === scope &&
        each.supported &&
        applies(each.where, device.leaves) &&
        !this.since(each.since),
    );
    if (row?.reason) return `${row.reason} (${row.source})`;
    if (later) return `it needs libvirt ${later.since}, this is ${this.context.versions.libvirt}`;
    const word = scope === 'live' ? 'while the domain runs' : 'in the canonical document';
    return `libvirt cannot ${action} a device of kind ${device.kind.element} ${word}`;
  }
}

/** The error for two things that a domain cannot both have. */
export function duplicate(path: string, what: string, holder: string, remedy: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError('DEVICE_DUPLICATE', `${path}: ${what} is already used by ${holder}`, {
    path,
    device: holder,
    remedy,
  });
}
