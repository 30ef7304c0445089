import type { ChangeRequest } from 'libvirt-canonical';
import type { FleetChange, FleetPlan } from 'libvirt-canonical/fleet';
import { EngineError } from '../errors.js';
import { bundlesOf, readYaml } from './config.js';
import { drained, type PlacementFlags, placed, placement } from './placement.js';
import { program, say, whole, withFleet } from './session.js';

const showPlan = (made: FleetPlan | FleetChange): void => {
  say(made, () => String(made));
  if (!made.isPossible) process.exitCode = 1;
};

/** `plan drain`, `evacuate`, `upgrade` and `apply`. */
export function addPlanCommands(): void {
  const plan = program.command('plan').description('what would be done; nothing is changed. With --json for `start`');

  drained(plan.command('drain <host>').description('empty a host')).action((host: string, flags: PlacementFlags) =>
    withFleet(async (fleet) => showPlan(await fleet.planDrain(host, placement(flags)))),
  );

  placed(plan.command('evacuate <host>').description('bring back what a dead host ran, from the newest bundles'))
    .option('--start <word>', 'all or autostart', 'all')
    .action((host: string, { start, ...flags }: PlacementFlags & { readonly start: 'all' | 'autostart' }) =>
      withFleet(async (fleet, config) => {
        const bundles = await bundlesOf(config)?.newest(host);
        if (!bundles)
          throw new EngineError(
            'CONFIG_INVALID',
            'there is no folder of bundles',
            'Write bundles: into the configuration',
          );
        const { to, spread, keepFree } = placement(flags);
        const request = { ...(to && { to }), ...(spread && { spread }), ...(keepFree && { keepFree }) };
        showPlan(await fleet.planEvacuate(host, { bundles, start, ...request }));
      }),
    );

  drained(plan.command('upgrade <hosts...>').description('empty hosts one after the other'))
    .option('--batch <number>', 'how many at a time', whole, 1)
    .action((hosts: string[], { batch, ...flags }: PlacementFlags & { readonly batch: number }) =>
      withFleet(async (fleet) => {
        const upgrade = await fleet.planRollingUpgrade({ hosts, batch, ...placement(flags) });
        say(upgrade, () => String(upgrade));
        if (!upgrade.isPossible) process.exitCode = 1;
      }),
    );

  plan
    .command('apply <request>')
    .description('one change of many domains; the request is a file')
    .option('--domains <names...>', 'of these alone')
    .option('--hosts <names...>', 'on these alone')
    .action((file: string, { domains, hosts }: { readonly domains?: string[]; readonly hosts?: string[] }) =>
      withFleet(async (fleet) => {
        const request = readYaml(file) as ChangeRequest;
        showPlan(await fleet.planApply({ request, ...(domains && { where: domains }), ...(hosts && { hosts }) }));
      }),
    );
}
