import { setTimeout as sleep } from 'node:timers/promises';
import { DomainAccess, GuestAbiChangedError } from '../apply/index.js';
import { LibvirtError, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM, VIR_MIGRATE_PAUSED } from '../connection/index.js';
import { type AbiDifference, withoutBookkeeping } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { resume, stateOf } from '../power/index.js';
import { confirm, MigrationCalls } from './calls.js';
import { copyDisks } from './cold-disks.js';
import { carryState } from './cold-state.js';
import { migratable } from './documents.js';
import { endIncoming } from './end-incoming.js';
import { persistentCookie } from './finish-by-hand.js';
import { MAKE_ALIKE, proveArrived, proveIncoming } from './prove.js';
import { assertNotAborted, type Run } from './run-context.js';
import { PostCopyUnansweredError, SourceHangsError, send } from './send.js';
import { lookUp, standingOn } from './standing.js';

/** The guest runs at the destination, and a document there is another one: the source's is the only one that is right. */
export class DifferentArrivalError extends GuestAbiChangedError {
  constructor(differences: readonly AbiDifference[], domain: string) {
    super('the destination has it otherwise', differences, domain, MAKE_ALIKE);
  }
}

/** The guest has run at the destination, and is not there any more: its disks have gone on without the source. */
export class EndedThereError extends LibvirtCanonicalError {
  constructor(domain: string, cause: unknown) {
    super('JOB_FAILED', `${domain} ran at the destination and is not there any more`, {
      domain,
      cause,
      remedy: 'End it at the source: it would go on from old memory over disks that have gone on',
    });
  }
}

/** Milliseconds after which a Prepare whose answer was lost is seen at the destination. */
const PREPARING = 3_000;
/** Milliseconds that a finish whose answer was lost is waited for. */
const FINISHING = 60_000;

/** The five calls of a live migration, each followed by a look at what it led to. Rejects where it stops; the caller settles. */
export async function managedLive(run: Run): Promise<void> {
  const { own, ends, reader, prepared, audience, request } = run;
  const { handle: dom } = reader;
  const calls = new MigrationCalls({ ...own, dom }, prepared.flags, prepared.params);
  const { signal } = audience;
  await calls.begin();
  try {
    const { state } = await stateOf(new DomainAccess(own.source, dom));
    if (state === 'paused') calls.add(VIR_MIGRATE_PAUSED);
    assertNotAborted(signal);
    await prepare(calls);
  } catch (error) {
    await cancelBegun(run);
    throw error;
  }
  let performing = false;
  try {
    audience.phase('proving');
    assertSame(run, 'would have', await proveIncoming(own.destination, dom, prepared.documents.destinationXml));
    assertNotAborted(signal);
    audience.phase('sending');
    performing = true;
    const postCopy = await send(run, calls);
    performing = false;
    // Ended now, it would be lost: it has left, and its memory follows.
    if (!postCopy) {
      assertNotAborted(signal);
      await assertNotRedefined(run);
    }
  } catch (error) {
    if (error instanceof SourceHangsError) throw error;
    if (!(error instanceof PostCopyUnansweredError)) {
      const said = await endIncoming(ends.destination, dom, prepared.flags, own.destination);
      // A Perform that failed gives the job back by itself; one whose answer was lost may be under way, and must not be confirmed.
      if (!performing) await confirm(own.source, dom, prepared.flags, true).catch(() => {});
      // What the destination's QEMU said last is worth more than that the source lost it.
      throw performing && error instanceof LibvirtError && isLastWord(said) ? said : error;
    }
    // It goes on all the same, by what is known without the source: libvirt ends a guest that nobody comes to start
    // (qemuProcessAutoDestroy). A source that cannot be told so ends by itself once all of the memory is over.
    const { context, documents, hosts } = prepared;
    if (context.persistent) calls.performed(persistentCookie(dom, hosts.from.uuid, documents.persistentXml.xml));
  }
  audience.phase('finishing');
  await finish(run, calls);
  const paused = request.prove === 'paused' && !run.record.paused;
  try {
    await proveThere(run, paused);
    audience.phase('confirming');
    await calls.confirm();
  } catch (error) {
    // A transient one leaves nothing where it ends, which would look as if it had never come there.
    const ran = !paused && !prepared.context.persistent;
    if (ran && (await standingOn(ends.destination, ends.uuid)).is === 'absent')
      throw new EndedThereError(dom.name, error);
    throw error;
  }
}

/** A definition, from one host to the other, and with it the images that are asked for: nothing runs, so no memory is sent. */
export async function managedCold(run: Run): Promise<void> {
  const { own, reader, prepared, audience } = run;
  const { handle: dom } = reader;
  const calls = new MigrationCalls({ ...own, dom }, prepared.flags, prepared.params);
  await carryState(run);
  // From here on nobody can start it at the source: Begin holds its job.
  await calls.begin();
  try {
    await assertNotStarted(run);
    if (prepared.disks.some(({ how }) => how === 'copied')) {
      audience.phase('sending');
      await copyDisks(run);
    }
    assertNotAborted(audience.signal);
    await prepare(calls);
    audience.phase('finishing');
    await finish(run, calls);
    await proveThere(run, false);
  } catch (error) {
    await confirm(own.source, dom, prepared.flags, true).catch(() => {});
    throw error;
  }
  audience.phase('confirming');
  // Only now: until here the source could have gone on from it. Left there it would be an orphan.
  if (prepared.context.managedSave) await own.source.call('DOMAIN_MANAGED_SAVE_REMOVE', { dom, flags: 0 });
  await calls.confirm();
}

/** libvirt begins an offline migration of a domain that runs as well. */
async function assertNotStarted({ own, reader }: Run): Promise<void> {
  const { state } = await stateOf(new DomainAccess(own.source, reader.handle));
  if (state === 'shutoff') return;
  throw new LibvirtCanonicalError('JOB_FAILED', `somebody started ${reader.handle.name}: it is ${state}`, {
    domain: reader.handle.name,
    remedy: "Shut it down, or ask for mode: 'live'",
  });
}

async function cancelBegun({ own, reader, prepared }: Run): Promise<void> {
  await confirm(own.source, reader.handle, prepared.flags, true).catch(() => {});
}

/**
 * Prepare; when its answer was lost the destination may have had the request, and may be at a hook of its own before anything
 * can be seen there. What comes up then is ended by the caller's look at both hosts.
 */
async function prepare(calls: MigrationCalls): Promise<void> {
  try {
    await calls.prepare();
  } catch (error) {
    if (!(error instanceof LibvirtError)) await sleep(PREPARING);
    throw error;
  }
}

/** Finish; when its answer is lost the destination itself tells whether it took place. */
async function finish(run: Run, calls: MigrationCalls): Promise<void> {
  try {
    await calls.finish();
  } catch (error) {
    if (error instanceof LibvirtError || !(await hasFinished(run))) throw error;
  }
}

async function hasFinished({ ends }: Run): Promise<boolean> {
  for (const end = performance.now() + FINISHING; ; ) {
    const there = await standingOn(ends.destination, ends.uuid);
    if (there.is === 'absent') return false;
    if (there.is === 'there' && there.reason !== 'migration') return there.reason !== 'failed';
    if (performance.now() > end) return false;
    await sleep(200);
  }
}

/**
 * The destination against what it was sent, in both documents. One that was finished paused has not run: it goes, and the
 * source goes on. One that runs is not taken back: what it has written since would be lost.
 */
async function proveThere(run: Run, paused: boolean): Promise<void> {
  const { ends, reader, prepared } = run;
  const { destination, source } = ends;
  const { documents, context, running } = prepared;
  const dom = await lookUp(destination, ends.uuid, {});
  if (!dom) throw new LibvirtCanonicalError('DOMAIN_NOT_FOUND', `the destination does not have ${reader.handle.name}`);
  const differences = await proveArrived(destination, dom, {
    live: running ? documents.destinationXml : undefined,
    canonical: context.persistent ? { document: documents.persistentXml, libvirt: source.libvirtVersion } : undefined,
  });
  if (differences.length > 0 && paused) {
    await destination.call('DOMAIN_DESTROY', { dom }).catch(() => {});
    await destination.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: VIR_DOMAIN_UNDEFINE_KEEP_NVRAM }).catch(() => {});
    await confirm(run.own.source, reader.handle, prepared.flags, true).catch(() => {});
  }
  if (paused) assertSame(run, 'has', differences);
  else if (differences.length > 0) throw new DifferentArrivalError(differences, reader.handle.name);
  if (paused) await resume(new DomainAccess(destination, dom), {});
}

function assertSame({ reader }: Run, verb: string, differences: readonly AbiDifference[]): void {
  if (differences.length === 0) return;
  throw new GuestAbiChangedError(`the destination ${verb} another machine`, differences, reader.handle.name);
}

/** DomainDefineXML is not held up by a migration: what somebody defined meanwhile would be lost with the source. */
async function assertNotRedefined({ own, reader, prepared }: Run): Promise<void> {
  if (!prepared.context.persistent) return;
  const now = await migratable(new DomainAccess(own.source, reader.handle), 'canonical', {});
  if (withoutBookkeeping(now.xml) === withoutBookkeeping(prepared.documents.canonical.xml)) return;
  throw new LibvirtCanonicalError(
    'JOB_FAILED',
    `somebody defined ${reader.handle.name} anew while it migrated, which would have been lost`,
    { domain: reader.handle.name, remedy: 'Ask again: the new definition goes along then' },
  );
}

/** The error of a QEMU that died; of one that lived libvirt says that it was aborted. */
function isLastWord(said: unknown): boolean {
  return said instanceof LibvirtError && said.errorName === 'VIR_ERR_INTERNAL_ERROR';
}
