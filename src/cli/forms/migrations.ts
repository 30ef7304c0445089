import type {
  JsonSchema,
  MigrationDisk,
  MigrationFinding,
  MigrationInFlight,
  MigrationPlanJson,
  MigrationPolicy,
  MigrationRecovery,
  MigrationResult,
  MigrationWhereabouts,
} from '../../index.js';
import { BOOLEAN, COUNT, either, form, list, maybe, NUMBER, part, TEXT, TIME, UUID, words } from './form.js';

type Bandwidth = NonNullable<MigrationPolicy['bandwidth']>;
type Converge = Exclude<MigrationPolicy['autoConverge'], false>;
type There = Extract<MigrationWhereabouts['source'], { is: 'there' }>;
type Unreachable = Extract<MigrationWhereabouts['source'], { is: 'unreachable' }>;
type Backing = NonNullable<MigrationDisk['backing']>;

const WHEREABOUTS = { outcome: TEXT, source: part('standing'), destination: part('standing') };

/** What migrations tell, by name. */
export const MIGRATIONS: Readonly<Record<string, JsonSchema>> = {
  migrationPlan: form<MigrationPlanJson>({
    domain: part('domain'),
    mode: words('live', 'block', 'cold'),
    via: words('client', 'peer-to-peer', 'tunnelled'),
    from: part('migrationHost'),
    to: part('migrationHost'),
    disks: list(
      form<MigrationDisk>({
        identity: TEXT,
        target: TEXT,
        source: maybe(TEXT),
        destination: maybe(TEXT),
        how: words('stays', 'shared', 'copied'),
        capacity: maybe(COUNT),
        allocation: maybe(COUNT),
        format: maybe(TEXT),
        bytes: maybe(COUNT),
        backing: maybe(form<Backing>({ path: TEXT, format: maybe(TEXT) })),
      }),
    ),
    findings: list(
      form<MigrationFinding>({
        severity: words('blocks', 'warns', 'unknown'),
        host: words('source', 'destination', 'both'),
        subject: TEXT,
        problem: TEXT,
        remedy: TEXT,
      }),
    ),
    policy: part('migrationPolicy'),
    steps: list(TEXT),
  }),
  migrationHost: form<MigrationPlanJson['from']>({ uuid: UUID, uri: TEXT }),
  migrationPolicy: form<MigrationPolicy>({
    bandwidth: maybe(form<Bandwidth>({ begin: maybe(COUNT), most: maybe(COUNT) })),
    downtime: form<MigrationPolicy['downtime']>({
      schedule: list(form<MigrationPolicy['downtime']['schedule'][number]>({ after: NUMBER, ms: NUMBER })),
      most: NUMBER,
    }),
    autoConverge: either({ const: false }, form<Converge>({ initial: COUNT, increment: COUNT })),
    postCopy: BOOLEAN,
    onStall: list(words('downtime', 'speed', 'post-copy', 'suspend', 'abort')),
    stall: form<MigrationPolicy['stall']>({ boundaries: COUNT, improve: NUMBER }),
    silence: NUMBER,
    deadline: form<MigrationPolicy['deadline']>({ perGiB: NUMBER, total: NUMBER }),
  }),
  migration: form<MigrationInFlight>({
    since: TIME,
    mode: words('live', 'block', 'cold'),
    from: part('migrationHost'),
    to: part('migrationHost'),
    by: form<MigrationInFlight['by']>({ host: TEXT, pid: COUNT, state: words('running', 'ended', 'unknown') }),
  }),
  migrated: form<MigrationResult>({
    domain: part('domain'),
    total: { ...NUMBER, description: 'Milliseconds' },
    downtime: maybe({ ...NUMBER, description: 'Milliseconds that the guest stood still' }),
    policy: list(form<MigrationResult['policy'][number]>({ did: TEXT, why: TEXT })),
    unfinished: list(TEXT),
  }),
  standing: either(
    form<{ readonly is: 'absent' }>({ is: { const: 'absent' } }),
    form<Unreachable>({ is: { const: 'unreachable' }, why: TEXT }),
    form<There>({
      is: { const: 'there' },
      state: TEXT,
      reason: TEXT,
      persistent: BOOLEAN,
      job: either(BOOLEAN, { const: 'unknown' }),
      migration: maybe(TEXT),
    }),
  ),
  whereabouts: form<MigrationWhereabouts>(WHEREABOUTS),
  recovery: form<MigrationRecovery>({
    ...WHEREABOUTS,
    found: part('whereabouts'),
    meaning: TEXT,
    did: list(TEXT),
    unfinished: list(TEXT),
  }),
};
