import type {
  BackupResult,
  CommitResult,
  CopyResult,
  DoctorFinding,
  DomainLog,
  JsonSchema,
  RecoverResult,
  RescueState,
  ResizeDiskResult,
  ResizeResult,
  SnapshotResult,
  UnplugResult,
} from '../../index.js';
import {
  ANYTHING,
  BOOLEAN,
  BYTES,
  COUNT,
  either,
  form,
  list,
  type Maybe,
  maybe,
  NUMBER,
  part,
  TEXT,
  TIME,
  UUID,
  words,
} from './form.js';

type Given = Readonly<Record<string, JsonSchema | Maybe>>;
/** A form that no type of the library has: what a command puts together itself. */
const made = (fields: Given): JsonSchema => form<Record<string, never>>(fields as never);

const STATE = made({ name: TEXT, uuid: UUID, state: TEXT });
const CONSISTENCY = words('filesystem', 'crash');
const COPY = form<CopyResult>({ disk: TEXT, file: TEXT, source: maybe(TEXT), consistency: CONSISTENCY });
const APPLIED = made({
  domain: part('domain'),
  operations: list(made({ subject: TEXT, action: words('attach', 'detach', 'update', 'set') })),
  unplugs: list(form<UnplugResult>({ device: TEXT, outcome: words('removed', 'refused', 'unconfirmed') })),
});
const APPLY = made({
  applied: list(APPLIED),
  defined: list(TEXT),
  plans: maybe(list(part('plan'))),
  define: maybe(list(TEXT)),
});
const resized = (amount: JsonSchema) =>
  form<ResizeResult['vcpus']>({
    now: maybe(form<NonNullable<ResizeResult['vcpus']['now']>>({ current: amount, maximum: amount })),
    nextBoot: form<ResizeResult['vcpus']['nextBoot']>({ current: amount, maximum: amount }),
    takesEffect: TEXT,
  });

const CONFORMANCE_DRIVER = made({
  name: TEXT,
  version: maybe(TEXT),
  capabilities: list(TEXT),
  seconds: NUMBER,
  courses: list(
    made({
      scenario: TEXT,
      outcome: words('kept', 'broken', 'not offered', 'cut short'),
      why: maybe(TEXT),
      defines: COUNT,
      steps: list(
        made({
          event: TEXT,
          subject: maybe(TEXT),
          claim: words('done', 'refused', 'failed', 'died', 'kit'),
          why: maybe(TEXT),
          seconds: NUMBER,
          findings: list(
            made({
              kind: TEXT,
              device: maybe(TEXT),
              witness: maybe(words('document', 'live', 'qemu', 'guest')),
              before: maybe(TEXT),
              after: maybe(TEXT),
              what: TEXT,
            }),
          ),
        }),
      ),
    }),
  ),
});

/** The `result` of each command. */
export const ANSWERS: Readonly<Record<string, JsonSchema>> = {
  list: made({
    domains: list(
      made({
        name: TEXT,
        uuid: UUID,
        state: TEXT,
        interrupted: maybe(part('interrupted')),
        migration: maybe(part('migration')),
        unreadable: maybe(part('error')),
      }),
    ),
  }),
  show: made({
    name: TEXT,
    uuid: UUID,
    state: TEXT,
    reason: TEXT,
    devices: list(part('device')),
    capacity: part('capacity'),
    pending: part('pending'),
    drift: part('drift'),
    interrupted: maybe(part('interrupted')),
  }),
  define: made({ defined: list(part('domain')) }),
  plan: made({ plans: list(part('plan')), define: list(TEXT) }),
  apply: APPLY,
  adopt: made({ adopted: BOOLEAN }),
  pending: part('pending'),
  drift: either(part('drift'), made({ accepted: list(part('driftChange')) }), APPLY),
  recover: either(
    made({ interrupted: either(part('interrupted'), { type: 'null' }) }),
    form<RecoverResult>({
      operations: list(part('operation')),
      differences: list(
        form<RecoverResult['differences'][number]>({
          subject: TEXT,
          document: words('canonical', 'live', 'both'),
          how: words('added', 'removed', 'changed'),
        }),
      ),
    }),
  ),
  start: STATE,
  stop: STATE,
  save: STATE,
  restore: STATE,
  reboot: made({ name: TEXT, state: TEXT, pending: part('pending') }),
  rescue: either(STATE, form<RescueState>({ disk: TEXT, target: TEXT, since: TIME })),
  resize: either(
    made({ plans: list(part('plan')) }),
    made({
      vcpus: maybe(resized(COUNT)),
      memory: maybe(resized(BYTES)),
      disks: list(form<ResizeDiskResult>({ disk: TEXT, before: BYTES, capacity: BYTES })),
    }),
  ),
  snapshot: form<SnapshotResult>({
    name: TEXT,
    disks: list(form<SnapshotResult['disks'][number]>({ disk: TEXT, base: maybe(TEXT), file: maybe(TEXT) })),
    consistency: CONSISTENCY,
  }),
  commit: form<CommitResult>({ disk: TEXT, file: TEXT, leftover: list(TEXT) }),
  copy: COPY,
  move: COPY,
  backup: form<BackupResult>({
    files: list(form<BackupResult['files'][number]>({ disk: TEXT, file: TEXT })),
    checkpoint: maybe(TEXT),
    since: maybe(TEXT),
    consistency: CONSISTENCY,
  }),
  export: either(part('bundle'), made({ name: TEXT, file: TEXT })),
  import: made({ name: TEXT, uuid: UUID, findings: list(part('hostFinding')) }),
  'host-check': made({ findings: list(part('hostFinding')) }),
  migrate: either(
    made({ plan: part('migrationPlan'), migrated: maybe(part('migrated')) }),
    made({ recovery: part('recovery') }),
  ),
  doctor: made({
    findings: list(
      form<DoctorFinding>({
        code: TEXT,
        severity: words('error', 'warning', 'note', 'unknown'),
        domain: maybe(part('domain')),
        seen: TEXT,
        why: TEXT,
        remedy: TEXT,
      }),
    ),
  }),
  conformance: either(
    made({ scenarios: list(made({ name: TEXT, about: TEXT, needs: maybe(list(TEXT)) })) }),
    made({
      conformance: COUNT,
      libvirt: TEXT,
      qemu: TEXT,
      guest: TEXT,
      started: TIME,
      drivers: list(CONFORMANCE_DRIVER),
    }),
  ),
  console: made({ name: TEXT, ended: words('left', 'domain') }),
  screenshot: made({ name: TEXT, file: TEXT, type: TEXT, bytes: COUNT }),
  addresses: made({ addresses: list(part('address')) }),
  stats: made({ stats: list(part('stats')) }),
  picture: either(part('topology'), made({ file: TEXT, form: words('svg', 'html', 'ascii') })),
  log: form<DomainLog>({ path: maybe(TEXT), tail: maybe(TEXT), absent: maybe(TEXT) }),
  schema: made({ $schema: TEXT }),
  completion: made({ shell: words('bash', 'zsh', 'fish'), script: TEXT }),
};

/** What commands that go on until Ctrl-C print, a line for each `item`. */
export const ITEMS: Readonly<Record<string, JsonSchema>> = {
  events: made({ type: TEXT, domain: maybe(part('domain')) }),
  watch: made({
    type: TEXT,
    domain: maybe(part('domain')),
    drift: maybe(part('drift')),
    error: maybe(part('error')),
    log: maybe(ANYTHING),
  }),
  console: made({ text: TEXT }),
  stats: part('statsItem'),
};
