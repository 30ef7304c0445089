/**
 * The half of the library that makes no call, as an entry of its own: documents in, plans, guest ABIs, topologies and pictures
 * out. It needs nothing of Node and no socket, so it runs in a browser, and beside any other way to libvirt, such as a web
 * console that has one already.
 */
import {
  guestAbi as abiOf,
  DomainDocument,
  type DomainSpec,
  type GuestAbi,
  type ObservedDomain,
} from './domain/index.js';
import { type Pending, pendingOf } from './observe/pending.js';
import { BOOLEAN, checkOptions, type OptionTable, TEXT } from './options.js';
import {
  type ChangeRequest,
  planChanges as changesIn,
  type Plan,
  type ResizeRequest,
  planResize as resizeIn,
  type TowardsOptions,
  planTowards as towardsIn,
} from './plan/index.js';

export type {
  AbiDifference,
  DomainSpec,
  GuestAbi,
  JsonSchema,
  Operation,
  Refusal,
  Size,
  SizeUnit,
} from './domain/index.js';
export { compareGuestAbi, domainXml, isSize, readSpec } from './domain/index.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export { ERROR_CODES, LibvirtCanonicalError } from './errors.js';
export type { Pending, PendingChange } from './observe/pending.js';
export { type TopologyOptions, topology } from './observe/topology.js';
export type {
  DomainTopology,
  TopologyBus,
  TopologyChange,
  TopologyDevice,
  TopologyPort,
} from './picture/index.js';
export { topologyHtml, topologySvg, topologyText } from './picture/index.js';
export type {
  ChangeRequest,
  DeviceSelector,
  DeviceUpdate,
  PlanJson,
  ResizeRequest,
  TowardsOptions,
} from './plan/index.js';
export { jsonSchema, Plan } from './plan/index.js';

/** A domain as somebody else has read it. */
export interface DomainAsRead {
  /** The canonical document: virDomainGetXMLDesc with VIR_DOMAIN_XML_INACTIVE. */
  readonly canonical: string;
  /** The live one, without flags. Left out for a domain that is off. */
  readonly live?: string | undefined;
  /** Versions as semver, which decide what can be done: default those of Debian 13, 11.3.0 and 10.0.0. */
  readonly libvirtVersion?: string | undefined;
  readonly qemuVersion?: string | undefined;
  /** Whether it starts with its host. Default false. */
  readonly autostart?: boolean | undefined;
  /** Whether a managed-save image waits. Default false. */
  readonly managedSave?: boolean | undefined;
  /** Whether its daemon runs without privileges (`qemu:///session`). Default false. */
  readonly session?: boolean | undefined;
}

const FIELDS: OptionTable<DomainAsRead> = {
  canonical: { ...TEXT, takes: 'domain XML' },
  live: { ...TEXT, takes: 'domain XML' },
  libvirtVersion: TEXT,
  qemuVersion: TEXT,
  autostart: BOOLEAN,
  managedSave: BOOLEAN,
  session: BOOLEAN,
};

function contextOf(method: string, domain: DomainAsRead): ObservedDomain {
  checkOptions(method, domain ?? null, FIELDS, { needs: ['canonical'] });
  const { canonical, live, libvirtVersion = '11.3.0', qemuVersion = '10.0.0' } = domain;
  const { autostart = false, managedSave = false, session = false } = domain;
  return {
    canonical: new DomainDocument(canonical),
    live: live === undefined ? undefined : new DomainDocument(live),
    persistent: true,
    autostart,
    managedSave,
    session,
    versions: { libvirt: libvirtVersion, qemu: qemuVersion },
  };
}

/**
 * Plans a change request, as `domain.plan()` does. `Plan.fromJSON` of the same plan can be applied where the domain is, as long as
 * its documents are these. Errors as there, and `ARGUMENT_INVALID`, `XML_MALFORMED`, `XML_FORBIDDEN`, `XML_LIMIT` for the documents.
 *
 * @example
 * const plan = planChanges({ canonical, live }, { set: { vcpus: 4 } });
 * console.log(`${plan}`);
 */
export function planChanges(domain: DomainAsRead, request: ChangeRequest): Plan {
  return changesIn(request, contextOf('planChanges', domain));
}

/** Plans the way to a whole desired state, domain XML or a spec, as `domain.planTowards()` does. Errors as {@link planChanges}. */
export function planTowards(domain: DomainAsRead, desired: string | DomainSpec, options: TowardsOptions = {}): Plan {
  return towardsIn(desired, contextOf('planTowards', domain), options);
}

/** Plans another size, as `domain.planResize()` does. Errors as {@link planChanges}. */
export function planResize(domain: DomainAsRead, request: ResizeRequest): Plan {
  return resizeIn(request, contextOf('planResize', domain));
}

/** What waits for the next cold boot, as `domain.pending()` tells it, but for a saved guest. Errors as {@link planChanges}. */
export function pending(domain: DomainAsRead): Pending {
  return pendingOf(contextOf('pending', domain), undefined);
}

/** All that a guest can see of its machine, as `domain.guestAbi()` reads it. `XML_MALFORMED` and the like. */
export function guestAbi(document: string): GuestAbi {
  return abiOf(new DomainDocument(document));
}
