/** The workflows, by the names under which the engine knows them. A name stays within a version of the package. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import type { OperationKind } from '../store/store.js';
import { type ApplyResult, apply } from './apply.js';
import { type DrainResult, drain } from './drain.js';
import { type EvacuateResult, evacuate } from './evacuate.js';
import { type ExportResult, exportAll } from './export.js';
import { registerSchedule } from './schedule.js';
import { must, step } from './step.js';
import { type UpgradeResult, upgrade } from './upgrade.js';

export type OperationResult = DrainResult | EvacuateResult | UpgradeResult | ApplyResult | ExportResult;

const OPERATIONS: Readonly<Record<OperationKind, (operation: string) => Promise<OperationResult>>> = {
  drain,
  evacuate,
  upgrade,
  apply,
  export: exportAll,
};

let registered = false;

/** Makes the operations known to the engine, once in a process. */
export function registerWorkflows(): void {
  if (registered) return;
  registered = true;
  const runs = Object.entries(OPERATIONS).map(([kind, run]) => {
    const whole = async (operation: string) => {
      const result = await run(operation);
      must(await step(operation, 'end', ({ store }) => store.end(operation)));
      return result;
    };
    return [kind, DBOS.registerWorkflow(whole, { name: kind })] as const;
  });
  registerSchedule(Object.fromEntries(runs).export as (operation: string) => Promise<OperationResult>);
}
