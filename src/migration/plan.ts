import type { DomainAccess } from '../apply/index.js';
import type { MigrationDisk } from './disks.js';
import type { MigrationFinding } from './findings.js';
import { connectionOf, type MigrationDestination } from './hosts.js';
import { type MigrationOptions, migrationRequest } from './options.js';
import type { MigrationPolicy } from './policy.js';
import { type Preparation, prepareMigration } from './prepare.js';
import type { MigrationHost } from './record.js';

/** What {@link MigrationPlan} is as JSON. */
export interface MigrationPlanJson {
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly mode: 'live' | 'block' | 'cold';
  readonly via: 'client' | 'peer-to-peer' | 'tunnelled';
  readonly from: MigrationHost;
  readonly to: MigrationHost;
  readonly disks: readonly MigrationDisk[];
  readonly findings: readonly MigrationFinding[];
  readonly policy: MigrationPolicy;
  readonly steps: readonly string[];
}

/** What a migration would do, and all that is to be known before. A value: nothing was changed by making it. */
export class MigrationPlan implements MigrationPlanJson {
  readonly domain: MigrationPlanJson['domain'];
  readonly mode: MigrationPlanJson['mode'];
  readonly via: MigrationPlanJson['via'];
  readonly from: MigrationHost;
  readonly to: MigrationHost;
  readonly disks: readonly MigrationDisk[];
  /** Worst first. */
  readonly findings: readonly MigrationFinding[];
  readonly policy: MigrationPolicy;
  /** For people: what is done, in order. */
  readonly steps: readonly string[];

  /** @internal */
  constructor(data: MigrationPlanJson) {
    this.domain = data.domain;
    this.mode = data.mode;
    this.via = data.via;
    this.from = data.from;
    this.to = data.to;
    this.disks = data.disks;
    this.findings = data.findings;
    this.policy = data.policy;
    this.steps = data.steps;
    Object.freeze(this);
  }

  /** The findings that stand in the way. */
  get blocking(): readonly MigrationFinding[] {
    return this.findings.filter(({ severity }) => severity === 'blocks');
  }

  /** Whether `migrate` with the same options would begin. */
  get isPossible(): boolean {
    return this.blocking.length === 0;
  }

  toJSON(): MigrationPlanJson {
    return { ...this };
  }

  toString(): string {
    const { domain, mode, from, to, findings, disks, steps } = this;
    return [
      `${mode} migration of ${domain.name} from ${from.uri} to ${to.uri}${this.isPossible ? '' : ': not possible'}`,
      ...findings.map(
        ({ severity, host, subject, problem, remedy }) => `  ${severity} (${host}) ${subject}: ${problem}. ${remedy}`,
      ),
      ...disks.map(
        ({ identity, how, source, destination }) =>
          `  ${identity} ${how}${source === undefined ? '' : `: ${source}${destination === source ? '' : ` → ${destination}`}`}`,
      ),
      ...steps.map((step, at) => `  ${at + 1}. ${step}`),
    ].join('\n');
  }
}

/** Plans a migration: see `ManagedDomain.planMigration`. */
export async function planMigration(
  reader: DomainAccess,
  destination: MigrationDestination,
  options: MigrationOptions = {},
): Promise<MigrationPlan> {
  const request = migrationRequest(options);
  const prepared = await prepareMigration(reader, connectionOf(destination), request, true);
  const { hosts, disks, findings, record } = prepared;
  return new MigrationPlan({
    domain: { name: reader.handle.name, uuid: reader.handle.uuid },
    mode: request.mode,
    via: request.via,
    ...hosts,
    disks,
    findings,
    policy: request.resolvedPolicy,
    steps: stepsOf(prepared, request.prove === 'paused', record.via !== 'client'),
  });
}

function stepsOf({ disks, carry, record, running }: Preparation, paused: boolean, byDaemon: boolean): string[] {
  const copied = disks.filter(({ how }) => how === 'copied');
  return [
    ...record.targets.map((path) => `make ${path} at the destination`),
    'write down what is about to be done, in the metadata of the domain',
    ...carry.map(({ what, to }) => `carry ${what} to ${to}`),
    ...(byDaemon
      ? ["the source's daemon migrates it by itself"]
      : [
          'begin: from here on nobody else changes the domain',
          ...(running
            ? [
                'prepare: the destination makes the machine; it is compared with this one',
                `send ${copied.length > 0 ? `${copied.map(({ identity }) => identity).join(', ')} and ` : ''}memory`,
                ...(paused
                  ? ['finish paused; both documents are compared; resume']
                  : ['finish: it runs at the destination']),
              ]
            : [
                ...copied.map(({ identity }) => `copy ${identity}, read the copy back and compare it`),
                'define it at the destination',
              ]),
          'compare both documents of the destination with those of the source',
          'confirm: the source lets it go',
        ]),
    ...(record.nvram === 'remove' ? ['remove the UEFI variables that are left at the source'] : []),
    ...(record.autostart ? ['set autostart at the destination'] : []),
  ];
}
