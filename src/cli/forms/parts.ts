import type {
  AbiDifference,
  BundleDisk,
  Change,
  DeviceAbi,
  DeviceView,
  DomainBundle,
  Drift,
  GuestAbi,
  HostFinding,
  InterruptedApply,
  JsonSchema,
  Operation,
  Pending,
  PlanJson,
  RecoverResult,
  Refusal,
} from '../../index.js';
import { ANYTHING, BOOLEAN, byName, COUNT, form, list, maybe, part, TEXT, TIME, UUID, words } from './form.js';

type Domain = PlanJson['domain'];
type Step = Omit<Operation, 'inverse'>;
type Summary = RecoverResult['operations'][number];
type Entry = InterruptedApply['operations'][number];

const BUS = form<PlanJson['capacity']['pci']>({ total: COUNT, free: COUNT, freeAfter: COUNT });

const STEP = {
  action: words('attach', 'detach', 'update', 'set'),
  subject: TEXT,
  scope: words('live', 'config', 'both'),
  takesEffect: words('now', 'next-boot', 'when-released'),
  guestMustCooperate: BOOLEAN,
  ifKept: maybe(words('next-boot')),
  address: maybe(TEXT),
  reason: maybe(TEXT),
  changes: list(part('change')),
  withheld: maybe(
    list(
      form<NonNullable<Operation['withheld']>[number]>({
        path: TEXT,
        from: maybe(words('canonical', 'live')),
        device: maybe(TEXT),
      }),
    ),
  ),
} as const;
const CALL = form<Operation['call']>({ procedure: TEXT, args: byName(ANYTHING) });
const FILE = form<NonNullable<DomainBundle['nvram']>>({ path: TEXT, base64: TEXT });

/** What stands in several answers, by name. */
export const PARTS: Readonly<Record<string, JsonSchema>> = {
  domain: form<Domain>({ name: TEXT, uuid: UUID }),
  change: form<Change>({ path: TEXT, from: maybe(TEXT), to: maybe(TEXT) }),
  abiDifference: form<AbiDifference>({
    subject: TEXT,
    field: TEXT,
    before: maybe(TEXT),
    after: maybe(TEXT),
    benign: maybe(TEXT),
  }),
  error: form<Record<'code' | 'message', string> & Partial<Record<'remedy' | 'domain' | 'device' | 'path', string>>>({
    code: TEXT,
    message: TEXT,
    remedy: maybe(TEXT),
    domain: maybe(TEXT),
    device: maybe(TEXT),
    path: maybe(TEXT),
  }),
  plan: form<PlanJson>({
    formatVersion: { const: 1 },
    domain: part('domain'),
    operations: list(form<Operation>({ ...STEP, call: CALL, inverse: list(form<Step>({ ...STEP, call: CALL })) })),
    refusals: list(form<Refusal>({ subject: TEXT, path: TEXT, reason: TEXT, remedy: TEXT })),
    notes: list(TEXT),
    capacity: part('capacity'),
    digest: TEXT,
    fingerprints: byName(TEXT),
  }),
  capacity: byName(BUS),
  operation: form<Summary>({ ...STEP, procedure: TEXT }),
  interrupted: form<InterruptedApply>({
    phase: words('apply', 'claim'),
    since: TIME,
    by: form<InterruptedApply['by']>({ host: TEXT, pid: COUNT, state: words('ended', 'unknown') }),
    operations: list(form<Entry>({ operation: part('operation'), state: words('done', 'not done', 'unknown') })),
  }),
  pending: form<Pending>({
    changes: list(part('pendingChange')),
    needsColdBoot: BOOLEAN,
    managedSave: maybe(form<NonNullable<Pending['managedSave']>>({ changes: list(part('pendingChange')) })),
    advice: TEXT,
  }),
  pendingChange: form<Pending['changes'][number]>({
    subject: TEXT,
    action: words('attach', 'detach', 'change'),
    changes: list(part('change')),
    guestAbi: BOOLEAN,
    live: words('possible', 'impossible', 'unknown'),
    reason: TEXT,
  }),
  drift: form<Drift>({
    seal: words('intact', 'older', 'missing', 'unreadable'),
    changes: list(part('driftChange')),
    redefined: words('yes', 'no', 'unknown'),
    apply: words('none', 'under way', 'interrupted'),
  }),
  driftChange: form<Drift['changes'][number]>({
    action: words('added', 'removed', 'changed'),
    subject: TEXT,
    changes: list(part('change')),
    abi: list(part('abiDifference')),
    by: words('somebody', 'libvirt'),
    onlyByDefinition: BOOLEAN,
  }),
  device: form<Omit<DeviceView, 'xml' | 'spec'>>({
    identity: TEXT,
    kind: TEXT,
    id: maybe(TEXT),
    name: TEXT,
    address: maybe(TEXT),
    liveAddress: maybe(TEXT),
    in: words('both', 'canonical', 'live'),
  }),
  hostFinding: form<HostFinding>({
    severity: words('blocks', 'warns', 'unknown', 'benign'),
    subject: TEXT,
    problem: TEXT,
    remedy: TEXT,
  }),
  bundle: form<DomainBundle>({
    formatVersion: { const: 1 },
    name: TEXT,
    uuid: UUID,
    exportedAt: TIME,
    from: form<DomainBundle['from']>({ libvirt: TEXT, qemu: TEXT }),
    document: TEXT,
    leftOut: maybe(list(form<NonNullable<DomainBundle['leftOut']>[number]>({ subject: TEXT, path: TEXT }))),
    abi: form<GuestAbi>({
      machine: TEXT,
      domain: byName(TEXT),
      devices: list(
        form<DeviceAbi>({
          identity: TEXT,
          kind: TEXT,
          name: TEXT,
          address: maybe(TEXT),
          bootOrder: maybe(COUNT),
          fields: byName(TEXT),
        }),
      ),
    }),
    autostart: BOOLEAN,
    nvram: maybe(FILE),
    tpm: maybe(list(FILE)),
    disks: maybe(
      list(
        form<BundleDisk>({ subject: TEXT, path: TEXT, file: TEXT, bytes: COUNT, sha256: TEXT, backing: maybe(TEXT) }),
      ),
    ),
    notes: list(TEXT),
  }),
};
