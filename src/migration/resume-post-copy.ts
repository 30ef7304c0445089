import { setTimeout as sleep } from 'node:timers/promises';
import { differenceText } from '../apply/index.js';
import {
  type Connection,
  connectAgain,
  type DomainHandle,
  VIR_MIGRATE_LIVE,
  VIR_MIGRATE_PERSIST_DEST,
  VIR_MIGRATE_POSTCOPY,
  VIR_MIGRATE_POSTCOPY_RESUME,
} from '../connection/index.js';
import { MigrationCalls } from './calls.js';
import { callsOfWay } from './options.js';
import { jobStats, processedOf } from './progress.js';
import { compareHosts } from './prove.js';
import { type MigrationRecord, undefiningFlag } from './record.js';

/** Milliseconds in which memory that is on its way moves. */
const MOVES = 2_000;
const ASK = { timeout: 10_000 };
const FLAGS = VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_POSTCOPY | VIR_MIGRATE_POSTCOPY_RESUME;

/** What an attempt led to. */
export type PostCopyResumed = 'moves by itself' | 'done' | { readonly failed: unknown };

/**
 * Joins anew what a cut between the hosts left of a post-copy: the five calls of the migration once more, with
 * VIR_MIGRATE_POSTCOPY_RESUME, by which QEMU sends what is still missing. Ends when all of the memory is over, the
 * destination was compared once more and the source has let go. Where memory still moves only libvirt has given up, and nothing
 * is done: a call in the moment in which QEMU ends would keep libvirt from seeing that.
 */
export async function resumePostCopy(
  source: Connection,
  destination: Connection,
  dom: DomainHandle,
  record: Pick<MigrationRecord, 'way' | 'undefineSource' | 'nvram' | 'moved' | 'moved'> | undefined,
): Promise<PostCopyResumed> {
  const before = await processed(source, dom);
  await sleep(MOVES);
  if (before === undefined || before !== (await processed(source, dom))) return 'moves by itself';
  const options = { reconnect: false } as const;
  // Closed, they take with them what an attempt began and did not end (qemuMigrationAnyConnectionClosed).
  const own = await Promise.all([connectAgain(source, options), connectAgain(destination, options)]);
  try {
    const [from, to] = own;
    const way = callsOfWay(record?.way ?? {});
    const flags = FLAGS | way.flags | (record ? undefiningFlag(record) : 0);
    const calls = new MigrationCalls({ source: from, destination: to, dom }, flags, way.params);
    await calls.begin();
    await calls.prepare();
    await calls.perform();
    await calls.finish();
    const [differs] = await compareHosts(source, destination, dom, { running: true, moved: record?.moved });
    if (differs) throw new Error(`the destination has it otherwise: ${differenceText(differs)}`);
    await calls.confirm();
    return 'done';
  } catch (error) {
    return { failed: error };
  } finally {
    await Promise.all(own.map((each) => each.close()));
  }
}

/** Bytes of memory that have gone over. virDomainGetJobStats. */
async function processed(source: Connection, dom: DomainHandle): Promise<number | undefined> {
  const stats = await source.call('DOMAIN_GET_JOB_STATS', { dom, flags: 0 }, ASK).catch(() => undefined);
  return stats && processedOf(jobStats(stats));
}
