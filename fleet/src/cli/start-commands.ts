import type { Command } from 'commander';
import type { ChangeRequest } from 'libvirt-canonical';
import { FleetChange, type FleetChangeJson, FleetPlan, type FleetPlanJson } from 'libvirt-canonical/fleet';
import type { Operation } from '../operation.js';
import { readYaml } from './config.js';
import { drained, type PlacementFlags, placement } from './placement.js';
import { program, say, whole, withOperations } from './session.js';
import { watched } from './watch.js';

const begun = async (operation: Operation, watch: boolean | undefined): Promise<void> => {
  if (watch) await watched(operation);
  else say(await operation.look(), () => `${operation.id} is begun. lvc-fleet watch ${operation.id}`);
};

interface StartFlags {
  readonly id: string;
  readonly watch?: boolean;
}
/** `start drain`, `evacuate`, `apply`, `upgrade` and `export`. */
export function addStartCommands(): void {
  const start = program
    .command('start')
    .description('begins an operation; a worker carries it out. The same id is the same operation');

  const starts = (name: string, description: string): Command =>
    start
      .command(name)
      .description(description)
      .requiredOption('--id <id>', 'its name')
      .option('--watch', 'watch it until it ends');

  starts('drain <plan>', 'a plan of `plan drain --json`').action((file: string, { id, watch }: StartFlags) =>
    withOperations(async (engine) =>
      begun(await engine.drain(FleetPlan.fromJSON(readYaml(file) as FleetPlanJson), { id }), watch),
    ),
  );
  starts('evacuate <plan>', 'a plan of `plan evacuate --json`')
    .option('--unknown-hosts <word>', 'hosts that do not answer: refuse or accept', 'refuse')
    .action((file: string, { id, watch, unknownHosts }: StartFlags & { readonly unknownHosts: 'refuse' | 'accept' }) =>
      withOperations(async (engine) =>
        begun(await engine.evacuate(FleetPlan.fromJSON(readYaml(file) as FleetPlanJson), { id, unknownHosts }), watch),
      ),
    );
  starts('apply <change>', 'a change of `plan apply --json`')
    .requiredOption('--request <file>', 'the request; or @NAME of the configuration of the workers')
    .option('--canary <number>', 'so many first', whole, 0)
    .option('--batch <number>', 'so many at a time', whole, 200)
    .option('--stop-after <number>', 'failures after which nothing more is begun', whole, 1)
    .option('--confirm', 'a person confirms the canary')
    .action(
      (
        file: string,
        flags: StartFlags & {
          readonly request: string;
          readonly canary: number;
          readonly batch: number;
          readonly stopAfter: number;
          readonly confirm?: boolean;
        },
      ) =>
        withOperations(async (engine) => {
          const { id, watch, canary, batch, stopAfter: stopAfterFailures, confirm = false } = flags;
          const request = flags.request.startsWith('@')
            ? flags.request.slice(1)
            : (readYaml(flags.request) as ChangeRequest);
          const change = FleetChange.fromJSON(readYaml(file) as FleetChangeJson);
          await begun(
            await engine.applyEverywhere(change, { id, request, canary, batch, stopAfterFailures, confirm }),
            watch,
          );
        }),
    );
  drained(starts('upgrade <hosts...>', 'hosts one after the other'))
    .option('--batch <number>', 'how many at a time', whole, 1)
    .option('--back', 'domains go back once a host is upgraded')
    .option('--export', 'keep a bundle of each domain before')
    .action(
      (
        hosts: string[],
        {
          id,
          watch,
          batch,
          back = false,
          export: exports = false,
          ...flags
        }: StartFlags & PlacementFlags & { readonly batch: number; readonly back?: boolean; readonly export?: boolean },
      ) =>
        withOperations(async (engine) =>
          begun(
            await engine.rollingUpgrade({ hosts, batch, ...placement(flags) }, { id, back, export: exports }),
            watch,
          ),
        ),
    );
  starts('export [hosts...]', 'a bundle of each domain').action((hosts: string[], { id, watch }: StartFlags) =>
    withOperations(async (engine, config) =>
      begun(await engine.exportAll({ id, hosts: hosts.length > 0 ? hosts : Object.keys(config.hosts) }), watch),
    ),
  );
}
