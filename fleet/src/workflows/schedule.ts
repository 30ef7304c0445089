import { DBOS } from '@dbos-inc/dbos-sdk';
import { digestOf } from '../digest.js';
import { EngineError } from '../errors.js';
import { OPERATIONS } from '../queues.js';
import { WORKFLOWS_VERSION } from '../version.js';
import { current } from '../worker/current.js';
import type { ExportWork } from './export.js';
import { must, step } from './step.js';

/** When bundles are kept, of which hosts. */
export interface ExportSchedule {
  /** As of crontab, five fields: `0 2 * * *`. */
  readonly cron: string;
  /** Of which hosts. Default: of all. */
  readonly hosts?: readonly string[] | undefined;
  /** Default `include`. */
  readonly secrets?: ExportWork['secrets'] | undefined;
  /** Whose two o'clock it is, such as `Europe/Vienna`. Default UTC. */
  readonly timezone?: string | undefined;
}

const NAME = 'export';
type Scheduled = (at: Date, work: ExportWork) => Promise<void>;
let scheduled: Scheduled | undefined;

/** Makes the scheduled export known to the engine: it begins the operation `run` as a person would. */
export function registerSchedule(run: (operation: string) => Promise<unknown>): void {
  scheduled ??= DBOS.registerWorkflow(
    async (at: Date, work: ExportWork) => {
      const id = `export-${at.toISOString().replace(/[:.]/g, '-')}`;
      const digest = digestOf(work);
      const total = work.hosts.length;
      const row = { kind: 'export' as const, version: WORKFLOWS_VERSION, empties: [], fills: [] };
      const begun = await step(id, 'begin', ({ store }) =>
        store.begin({ id, digest, input: work, total, ...row }, async () => undefined),
      );
      must(begun);
      await DBOS.startWorkflow(run, { workflowID: id, queueName: OPERATIONS })(id);
    },
    { name: 'scheduledExport' },
  );
}

/** Sets the schedule of the store, or takes it away. */
export async function applySchedule(schedule: ExportSchedule | undefined, all: readonly string[]): Promise<void> {
  if (!schedule) return;
  if (!current().work.bundles)
    throw new EngineError(
      'CONFIG_INVALID',
      'exports are scheduled, and there are no bundles',
      'Open the worker with bundles: directory(…)',
    );
  const { cron, hosts = all, secrets = 'include', timezone } = schedule;
  try {
    await DBOS.applySchedules([
      {
        scheduleName: NAME,
        workflowFn: scheduled as unknown as (at: Date, context: unknown) => Promise<void>,
        schedule: cron,
        context: { hosts, secrets },
        ...(timezone !== undefined && { cronTimezone: timezone }),
      },
    ]);
  } catch (error) {
    throw new EngineError(
      'CONFIG_INVALID',
      `exports: ${(error as Error).message}`,
      'Give five fields as in a crontab',
      { cause: error },
    );
  }
}
