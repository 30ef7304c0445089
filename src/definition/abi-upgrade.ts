import { createHash } from 'node:crypto';
import {
  assertNoUnsavedDefinition,
  type DomainAccess,
  GuestAbiChangedError,
  inDomainQueue,
  sealAfter,
} from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { assertNotAborted, withApplyClaim } from '../copies/index.js';
import {
  type AbiDifference,
  compareGuestAbi,
  DomainDocument,
  formatValue,
  guestAbi,
  sealBaseline,
  seenByGuest,
  specInvalid,
  withoutBookkeeping,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type DomainBundle, type ExportOptions, exportDomain } from '../evacuation/index.js';
import {
  familyOf,
  type HostCheckOptions,
  type HostFinding,
  hostCheck,
  kindOf,
  machinesOf,
  newestOf,
} from '../host/index.js';
import { assertNotSaved, assertShutOff } from '../power/index.js';
import { child, type Element, removeAll, setAt } from '../xml/index.js';
import { Draft } from './additions.js';
import { redefineForAbiUpgrade } from './define.js';
import { pinHostModel } from './pin-cpu.js';

/** Which machine and CPU a guest is to get. What is left out stays. */
export interface AbiUpgradeRequest {
  /** A machine type of the same family, such as `pc-q35-10.0`, or the `newest` that the host has. */
  readonly machine?: string;
  /** `host-model`: pinned to what it means on this host now. Else the name of a CPU model, with no further features. */
  readonly cpu?: string;
}

/** Options of `domain.abiUpgrade`. */
export interface AbiUpgradeOptions extends Pick<ExportOptions, 'files' | 'tpmFolder' | 'signal'> {
  /** The token of the proposal, by which it is confirmed. */
  readonly confirm: string;
  /** Given the bundle of how it was, secrets included, before anything is changed; when it rejects nothing is. */
  readonly keep?: (before: DomainBundle) => Promise<void> | void;
}

/** What a newer machine or CPU changes for the guest of one domain. Made by `proposeAbiUpgrade`. */
export class AbiUpgradeProposal {
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly request: AbiUpgradeRequest;
  /** What the guest will see change that a document shows. A machine type also stands for defaults of QEMU that none does. */
  readonly changes: readonly AbiDifference[];
  /** What the host can say against it; one that `blocks` keeps it from being done. */
  readonly findings: readonly HostFinding[];
  /** Stands for the domain as it is and the changes: hand it back to confirm them. */
  readonly token: string;

  /** @internal */
  constructor(parts: Pick<AbiUpgradeProposal, 'domain' | 'request' | 'changes' | 'findings' | 'token'>) {
    this.domain = parts.domain;
    this.request = parts.request;
    this.changes = parts.changes;
    this.findings = parts.findings;
    this.token = parts.token;
  }

  /** True when the domain is as asked already. */
  get isEmpty(): boolean {
    return this.changes.length === 0;
  }

  toString(): string {
    const { name, uuid } = this.domain;
    return [
      `ABI upgrade of ${name} (${uuid}), at its next boot:`,
      ...this.changes.map(
        ({ subject, field, before, after }) => `  ~ ${subject} ${field}: ${before ?? '(none)'} → ${after ?? '(none)'}`,
      ),
      ...(this.isEmpty ? ['  nothing: it is as asked'] : []),
      ...this.findings.map(({ severity, subject, problem }) => `  ${severity}: ${subject}: ${problem}`),
      `Confirm with ${this.token}`,
    ].join('\n');
  }
}

export async function proposeAbiUpgrade(
  reader: DomainAccess,
  request: AbiUpgradeRequest,
  options: HostCheckOptions,
): Promise<AbiUpgradeProposal> {
  const { canonical } = await reader.documents({ signal: options.signal });
  return propose(reader, canonical, request, options);
}

export async function abiUpgrade(
  reader: DomainAccess,
  asked: AbiUpgradeProposal,
  { confirm, keep, signal, ...state }: AbiUpgradeOptions,
): Promise<DomainBundle> {
  const { connection, handle: dom } = reader;
  const call: CallOptions = { signal };
  await assertShutOff(reader, 'given another machine or CPU', call);
  await assertNotSaved(reader, call);
  await assertNoUnsavedDefinition(reader, call);
  await assertNoCopies(reader, call);
  const before = await exportDomain(reader, { ...state, signal, secrets: 'include' });
  if (keep) await inDomainQueue(reader.handle.uuid, async () => keep(before));
  const { canonical } = await reader.documents(call);
  const proposal = await propose(reader, canonical, asked.request, { ...call, files: state.files });
  if (asked.domain.uuid !== dom.uuid || asked.token !== confirm || proposal.token !== confirm) {
    throw stale(reader);
  }
  if (proposal.isEmpty) return before;
  const blocking = proposal.findings.filter(({ severity }) => severity === 'blocks');
  if (blocking.length > 0) {
    const all = blocking.map(({ subject, problem }) => `${subject}: ${problem}`).join('; ');
    throw new LibvirtCanonicalError(
      'PLAN_REFUSED',
      `the host could not run ${dom.name} after the ABI upgrade: ${all}`,
      {
        domain: dom.name,
        remedy: 'Mend what stands in the way, or propose another machine or CPU',
      },
    );
  }
  return withApplyClaim(reader, call, async ({ canonical: old, live }) => {
    const { document, token } = await edited(reader, old, asked.request, call);
    if (live || token !== confirm) throw stale(reader);
    assertNotAborted(`ABI upgrade of ${dom.name}`, signal);
    // From here on an abort would leave open which of the two documents stands.
    await redefineForAbiUpgrade(connection, document, {});
    const after = await reader.documents();
    const differences = seenByGuest(
      compareGuestAbi(guestAbi(document), guestAbi(after.canonical), { volatile: 'compare' }),
    );
    if (differences.length === 0) {
      await sealAfter(reader, sealBaseline(old), after.canonical);
      return before;
    }
    await redefineForAbiUpgrade(connection, old, {});
    throw new GuestAbiChangedError(
      `libvirt would change more of ${dom.name} than was proposed, so the old document was put back`,
      differences,
      dom.name,
    );
  });
}

function stale({ handle: { name } }: DomainAccess): LibvirtCanonicalError {
  return new LibvirtCanonicalError(
    'PLAN_STALE',
    `domain ${name} is not as it was when the ABI upgrade was proposed, or the token is of another proposal`,
    { domain: name, remedy: 'Propose again, look at the changes, and confirm those' },
  );
}

/** Snapshots and checkpoints carry documents of their own, with the machine they were taken of. */
async function assertNoCopies({ connection, handle: dom }: DomainAccess, call: CallOptions): Promise<void> {
  const snapshots = await connection.call('DOMAIN_SNAPSHOT_NUM', { dom, flags: 0 }, call);
  const checkpoints = await connection.call('DOMAIN_LIST_ALL_CHECKPOINTS', { dom, need_results: 0, flags: 0 }, call);
  if (snapshots.num + checkpoints.ret === 0) return;
  throw new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `domain ${dom.name} has ${snapshots.num} snapshots and ${checkpoints.ret} checkpoints, which are of the machine that it has`,
    { domain: dom.name, remedy: 'Remove them, or their metadata, first' },
  );
}

async function propose(
  reader: DomainAccess,
  canonical: DomainDocument,
  request: AbiUpgradeRequest,
  options: HostCheckOptions,
): Promise<AbiUpgradeProposal> {
  const { document, changes, token } = await edited(reader, canonical, request, { signal: options.signal });
  const findings = await hostCheck(reader.connection, document, options);
  const domain = { name: canonical.name, uuid: canonical.uuid };
  return new AbiUpgradeProposal({ domain, request, changes, findings, token });
}

/** The document that a request leads to, what the guest sees change, and the token of both. */
async function edited(
  reader: DomainAccess,
  canonical: DomainDocument,
  request: AbiUpgradeRequest,
  call: CallOptions,
): Promise<{ document: DomainDocument; changes: AbiDifference[]; token: string }> {
  const { connection, handle } = reader;
  const draft = new Draft(new DomainDocument(canonical.xml));
  if (request.machine !== undefined)
    setAt(draft.root, 'os/type/@machine', await machineFor(reader, draft.document, request.machine, call));
  if (request.cpu !== undefined) {
    replaceCpu(draft.root, request.cpu);
    await pinHostModel(connection, draft, call);
  }
  const document = new DomainDocument(draft.document.toString());
  const changes = compareGuestAbi(guestAbi(canonical), guestAbi(document), { volatile: 'compare' });
  const token = createHash('sha256')
    .update(`${handle.uuid}\0${withoutBookkeeping(canonical)}\0${JSON.stringify(changes)}`)
    .digest('hex')
    .slice(0, 32);
  return { document, changes, token };
}

/** The machine type asked for, if the host has it and the addresses of the domain fit it. */
async function machineFor(
  { connection, handle }: DomainAccess,
  { root, machine }: DomainDocument,
  asked: unknown,
  call: CallOptions,
): Promise<string> {
  if (typeof asked !== 'string' || asked === '')
    throw specInvalid(
      'machine',
      `${formatValue(asked)} is no machine type`,
      "Name one of the same family, or 'newest'",
    );
  const machines = await machinesOf(connection, kindOf(root), call);
  const named = machines.find(({ name, canonical }) => name === asked || canonical === asked);
  const found = asked === 'newest' ? newestOf(machines, machine) : (named?.canonical ?? named?.name);
  if (found !== undefined && familyOf(found) === familyOf(machine)) return found;
  const near = machines.filter(({ name }) => familyOf(name) === familyOf(machine)).map(({ name }) => name);
  throw new LibvirtCanonicalError(
    'UNSUPPORTED',
    found === undefined
      ? `this host has no machine ${asked} for such a domain`
      : `machine ${found} is of another family than ${machine}: no address of the domain would fit`,
    { domain: handle.name, path: 'machine', remedy: `There are ${near.join(', ') || 'none of its family'}` },
  );
}

/** Another CPU with the topology, NUMA cells and cache of the old one. */
function replaceCpu(root: Element, asked: unknown): void {
  if (typeof asked !== 'string' || !/^[\w.-]+$/.test(asked) || asked === 'host-passthrough' || asked === 'maximum')
    throw specInvalid(
      'cpu',
      `${formatValue(asked)} is no CPU that stays the same`,
      "Name a model, or 'host-model' to pin it",
    );
  const owner = root.ownerDocument as NonNullable<Element['ownerDocument']>;
  const cpu = child(root, 'cpu') ?? (root.appendChild(owner.createElement('cpu')) as Element);
  for (const name of ['model', 'vendor', 'feature', 'maxphysaddr']) removeAll(cpu, name);
  const custom = cpu.getAttribute('mode') === 'custom';
  cpu.removeAttribute('migratable');
  setAt(cpu, '@mode', asked === 'host-model' ? asked : 'custom');
  if (asked === 'host-model') return;
  setAt(cpu, '@match', 'exact');
  // How libvirt checks the CPU at start is the domain's own choice.
  if (!custom) setAt(cpu, '@check', 'partial');
  setAt(cpu, 'model', asked);
  setAt(cpu, 'model/@fallback', 'forbid');
}
