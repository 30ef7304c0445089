#!/usr/bin/env node
/** `lvc-fleet`: plans, begins, watches and steers operations over many hosts, and works on them. */
import { Command, InvalidArgumentError } from 'commander';
import type { ChangeRequest } from 'libvirt-canonical';
import { DomainManager } from 'libvirt-canonical';
import {
  type DrainRequest,
  type Fate,
  FleetChange,
  type FleetChangeJson,
  FleetPlan,
  type FleetPlanJson,
} from 'libvirt-canonical/fleet';
import { openEngine } from '../engine.js';
import { EngineError } from '../errors.js';
import type { Operation } from '../operation.js';
import { connectEngine, type Operations } from '../operations.js';
import { loopback, servePage } from '../page/server.js';
import { PACKAGE_VERSION } from '../version.js';
import {
  bundlesOf,
  type FleetConfig,
  fencesOf,
  fleetOf,
  readConfig,
  readYaml,
  requestsOf,
  upgradeOf,
} from './config.js';
import { picture, plain, table } from './show.js';

interface Globals {
  readonly config: string;
  readonly json?: boolean;
}

const out = (text: string): void => void process.stdout.write(`${text}\n`);
// The engine says on the console when it makes its tables. What a program reads is on the output alone.
console.log = console.error;
console.info = console.error;

const program = new Command('lvc-fleet')
  .description('Operations over many libvirt hosts that outlive their process')
  .version(PACKAGE_VERSION)
  .option(
    '-c, --config <file>',
    'hosts, store and fences, in YAML or JSON',
    process.env.LVC_FLEET_CONFIG ?? 'fleet.yaml',
  )
  .option('--json', 'plain values for programs')
  .showSuggestionAfterError()
  .exitOverride();

const globals = (): Globals => program.opts<Globals>();
const say = (value: unknown, text: () => string): void => out(globals().json ? JSON.stringify(value) : text());
const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('is no number');
  return Number(text);
};

async function withFleet<T>(
  work: (fleet: Awaited<ReturnType<typeof fleetOf>>, config: FleetConfig) => Promise<T>,
): Promise<T> {
  const config = readConfig(globals().config);
  const fleet = await fleetOf(config);
  try {
    return await work(fleet, config);
  } finally {
    await fleet.close();
  }
}

async function withOperations<T>(work: (engine: Operations, config: FleetConfig) => Promise<T>): Promise<T> {
  const config = readConfig(globals().config);
  const engine = await connectEngine({ store: config.store ?? 'embedded' });
  try {
    return await work(engine, config);
  } finally {
    await engine.close();
  }
}

program
  .command('hosts')
  .description('what every host has, and which are silent')
  .action(() =>
    withFleet(async (fleet) => {
      const hosts = await fleet.hosts();
      const gib = (bytes: bigint) => `${(Number(bytes) / 2 ** 30).toFixed(1)} GiB`;
      say(
        hosts.map((host) => ({ ...host, ...(host.is === 'there' && { info: plainInfo(host.info) }) })),
        () =>
          table([
            ['HOST', 'IS', 'CPUS', 'MEMORY', 'AVAILABLE', 'LIBVIRT'],
            ...hosts.map((host) =>
              host.is === 'there'
                ? [
                    host.name,
                    host.is,
                    String(host.info.cpu.count),
                    gib(host.info.memory.total),
                    gib(host.info.memory.available ?? host.info.memory.free),
                    host.info.versions.libvirt,
                  ]
                : [host.name, host.is, '', '', '', host.why],
            ),
          ]),
      );
      if (hosts.some(({ is }) => is === 'silent')) process.exitCode = 1;
    }),
  );

const plainInfo = (info: unknown): unknown =>
  JSON.parse(JSON.stringify(info, (_key, value) => (typeof value === 'bigint' ? Number(value) : value)));

program
  .command('where <domain>')
  .description('asks all hosts for a domain, by name or UUID')
  .action((domain: string) =>
    withFleet(async (fleet) => {
      const where = await fleet.where(domain);
      say(where, () => plain(where.meaning));
      if (!['running', 'off', 'migrating'].includes(where.outcome)) process.exitCode = 1;
    }),
  );

program
  .command('doctor')
  .description('what is wrong with each host and its domains, and with the store')
  .action(() =>
    withFleet(async (fleet, config) => {
      const findings: { host: string; finding: unknown; text: string }[] = [];
      for (const host of fleet.names)
        try {
          const manager = new DomainManager((await fleet.manager(host)).connection);
          for (const finding of await manager.doctor())
            findings.push({
              host,
              finding,
              text: String((finding as { problem?: string }).problem ?? JSON.stringify(finding)),
            });
        } catch (error) {
          findings.push({ host, finding: { error: (error as Error).message }, text: (error as Error).message });
        }
      try {
        const engine = await connectEngine({ store: config.store ?? 'embedded' });
        for (const { id, state, version } of await engine.operations())
          if (state === 'other-version' || state === 'broken')
            findings.push({
              host: 'store',
              finding: { id, state, version },
              text: `operation ${id} is ${state} (version ${version})`,
            });
        await engine.close();
      } catch (error) {
        findings.push({ host: 'store', finding: { error: (error as Error).message }, text: (error as Error).message });
      }
      say(
        findings.map(({ host, finding }) => ({ host, finding })),
        () =>
          findings.length === 0
            ? 'nothing is wrong'
            : findings.map(({ host, text }) => plain(`${host}: ${text}`)).join('\n'),
      );
      if (findings.length > 0) process.exitCode = 1;
    }),
  );

interface PlacementFlags {
  readonly to?: string[];
  readonly spread?: string[];
  readonly keepFree?: string;
  readonly cannotMove?: Fate;
  readonly off?: 'stay' | 'cold';
  readonly storage?: 'prove' | 'copy' | 'shared';
}

function placement({ to, spread, keepFree, cannotMove, off, storage }: PlacementFlags): DrainRequest {
  return {
    ...(to && { to }),
    ...(spread && { spread }),
    ...(keepFree !== undefined && { keepFree: { memory: keepFree as `${number} %` } }),
    ...(cannotMove !== undefined && { cannotMove }),
    ...(off !== undefined && { off }),
    ...(storage !== undefined && { storage }),
  };
}

const placed = (command: Command): Command =>
  command
    .option('--to <hosts...>', 'where they may go')
    .option('--spread <labels...>', 'labels over whose values they are spread')
    .option('--keep-free <memory>', "of each target: '4 GiB' or '10 %'");
const drained = (command: Command): Command =>
  placed(command)
    .option('--cannot-move <fate>', 'of running domains that cannot move: refuse, stay, shutdown or cold')
    .option('--off <fate>', 'of domains that are off: stay or cold')
    .option('--storage <word>', 'prove, copy or shared');

const plan = program.command('plan').description('what would be done; nothing is changed. With --json for `start`');

const showPlan = (made: FleetPlan | FleetChange): void => {
  say(made, () => String(made));
  if (!made.isPossible) process.exitCode = 1;
};

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

const start = program
  .command('start')
  .description('begins an operation; a worker carries it out. The same id is the same operation');

const begun = async (operation: Operation, watch: boolean | undefined): Promise<void> => {
  if (watch) await watched(operation);
  else say(await operation.look(), () => `${operation.id} is begun. lvc-fleet watch ${operation.id}`);
};

interface StartFlags {
  readonly id: string;
  readonly watch?: boolean;
}
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
        begun(await engine.rollingUpgrade({ hosts, batch, ...placement(flags) }, { id, back, export: exports }), watch),
      ),
  );
starts('export [hosts...]', 'a bundle of each domain').action((hosts: string[], { id, watch }: StartFlags) =>
  withOperations(async (engine, config) =>
    begun(await engine.exportAll({ id, hosts: hosts.length > 0 ? hosts : Object.keys(config.hosts) }), watch),
  ),
);

async function watched(operation: Operation): Promise<void> {
  const live = process.stdout.isTTY && !globals().json;
  let lines = 0;
  let state = '';
  for await (const now of operation.progress()) {
    const text = picture(now);
    if (live && lines > 0) process.stdout.write(`\u001b[${lines}A\u001b[J`);
    say(now, () => text);
    lines = text.split('\n').length;
    state = now.state;
  }
  const result = await operation.result();
  const good = state === 'ended' && isGood(result as unknown as Record<string, unknown>);
  say(result, () => plain(summary(result as unknown as Record<string, unknown>)));
  if (!good) process.exitCode = 1;
}

/** Whether an operation did all that was asked: each kind says so in its own field. */
const isGood = ({ cancelled, empty, complete, failed, notBegun }: Record<string, unknown>): boolean =>
  cancelled !== true &&
  empty !== false &&
  complete !== false &&
  !(notBegun as number) &&
  !(failed as unknown[] | undefined)?.length;

function summary({ kind, ...result }: Record<string, unknown>): string {
  const words = Object.entries(result).map(
    ([key, value]) => `${key} ${Array.isArray(value) ? value.length : typeof value === 'object' ? '…' : value}`,
  );
  return `${kind} ended: ${words.join(', ')}`;
}

program
  .command('watch <id>')
  .description('how far an operation is, until it ends; 1 when it did not do all')
  .action((id: string) => withOperations((engine) => watched(engine.operation(id))));
program
  .command('result <id>')
  .description('what came of an operation, as JSON')
  .action((id: string) =>
    withOperations(async (engine) => out(JSON.stringify(await engine.operation(id).result(), undefined, 2))),
  );
program
  .command('list')
  .description('all operations that are kept')
  .action(() =>
    withOperations(async (engine) => {
      const all = await engine.operations();
      say(all, () =>
        table([
          ['ID', 'KIND', 'STATE', 'DONE', 'LEFT', 'FAILED', 'BEGUN'],
          ...all.map(({ id, kind, state, done, left, failed, created }) => [
            id,
            kind,
            state,
            String(done),
            String(left),
            String(failed.length),
            created,
          ]),
        ]),
      );
    }),
  );

const by = process.env.SUDO_USER ?? process.env.USER ?? 'somebody';
const steer = (name: 'pause' | 'resume', description: string): void => {
  program
    .command(`${name} <id>`)
    .description(description)
    .option('--by <name>', 'who, for the audit', by)
    .action((id: string, flags: { readonly by: string }) =>
      withOperations((engine) => engine.operation(id)[name](flags.by)),
    );
};
steer('pause', 'begins nothing new');
steer('resume', 'goes on');
program
  .command('cancel <id>')
  .description('begins nothing new, and ends. Nothing is shut off')
  .option('--by <name>', 'who, for the audit', by)
  .option('--abort', 'ends migrations under way too: those domains stay where they run')
  .action((id: string, flags: { readonly by: string; readonly abort?: boolean }) =>
    withOperations((engine) => engine.operation(id).cancel({ by: flags.by, moving: flags.abort ? 'abort' : 'finish' })),
  );
program
  .command('confirm <id> <topic>')
  .description('gives the word that an operation waits for')
  .requiredOption('--by <name>', 'who says so')
  .option('--host <name>', 'the host that it is about')
  .option('--says <text>', 'what was done and seen')
  .action((id: string, topic: string, word: { readonly by: string; readonly host?: string; readonly says?: string }) =>
    withOperations((engine) => engine.operation(id).confirm(topic, word)),
  );
program
  .command('quarantine <id>')
  .description(
    'the first thing with a dead host that is back: keeps it from starting what the evacuation of that id brought back',
  )
  .option('--destroy', 'ends there what is seen to run at its new home too')
  .option('--by <name>', 'who, for the audit', by)
  .action((id: string, flags: { readonly destroy?: boolean; readonly by: string }) =>
    withFleet((fleet) =>
      withOperations(async (engine) => {
        const operation = engine.operation(id);
        const result = await operation.result();
        if (result.kind !== 'evacuate')
          throw new EngineError(
            'CONFIG_INVALID',
            `${id} is no evacuation`,
            'Give the id of the evacuation of that host',
          );
        const { host: from, quarantine: domains } = result;
        const running = flags.destroy ? 'destroy' : 'leave';
        const outcome = await fleet.steps.quarantine({ operation: id, from, domains, running });
        await operation.note(flags.by, `quarantine of ${from}`, {
          running,
          domains: outcome.domains.map(({ name }) => name),
        });
        say(outcome, () =>
          table([
            ['DOMAIN', 'IS', 'HERE', 'NEW HOME'],
            ...outcome.domains.map(({ name, is, here = '', to = '' }) => [name, is, here, to]),
          ]),
        );
      }),
    ),
  );
program
  .command('audit <id>')
  .description('who did, said and decided what')
  .action((id: string) =>
    withOperations(async (engine) => {
      const entries = await engine.operation(id).audit();
      say(entries, () => table(entries.map(({ at, who, what }) => [at.toISOString(), who, what])));
    }),
  );
program
  .command('forget <id>')
  .description('removes what is kept of an operation that has ended')
  .action((id: string) => withOperations((engine) => engine.forget(id)));

program
  .command('worker')
  .description('works on operations until it is ended')
  .option('--name <name>', 'one of its own in the store')
  .option('--http <address>', 'a status page, read only, such as 127.0.0.1:8080')
  .option('--within <seconds>', 'that moves under way have when it is told to end', whole, 60)
  .action(
    async ({ name, http, within }: { readonly name?: string; readonly http?: string; readonly within: number }) => {
      if (http !== undefined) loopback(http);
      const config = readConfig(globals().config);
      const fleet = await fleetOf(config);
      const bundles = bundlesOf(config);
      const upgrade = upgradeOf(config);
      const log = (text: unknown) => void process.stderr.write(`${plain(String(text))}\n`);
      const engine = await openEngine({
        fleet,
        store: config.store ?? 'embedded',
        ...(name !== undefined && { worker: name }),
        ...(config.limits && { limits: config.limits }),
        ...(bundles && { bundles }),
        ...(upgrade && { upgrade }),
        ...(config.exports && { exports: config.exports }),
        fences: fencesOf(config),
        requests: requestsOf(config),
        log: { info: () => undefined, debug: () => undefined, warn: log, error: log },
      });
      const page = http === undefined ? undefined : await servePage(engine, http);
      out(`worker ${engine.worker} works${page ? `; ${page.url}` : ''}`);
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      });
      await page?.close();
      await engine.close({ within: within * 1_000 });
      await fleet.close();
      process.exit(0);
    },
  );

try {
  await program.parseAsync();
} catch (error) {
  const { code, message, exitCode } = error as { code?: string; message: string; exitCode?: number };
  if (exitCode !== undefined) process.exitCode = exitCode;
  else {
    if (globals().json) process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
    else process.stderr.write(`lvc-fleet: ${plain(message)}${code === undefined ? '' : ` (${code})`}\n`);
    process.exitCode = 1;
  }
}
