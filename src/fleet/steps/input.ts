import { isUuid } from '../../domain/index.js';
import {
  ANYTHING,
  BOOLEAN,
  CALLBACK,
  checkArgument,
  checkOptions,
  group,
  LIST,
  line,
  MILLISECONDS,
  OBJECT,
  type OptionTable,
  type Rule,
  TEXT,
  TEXTS,
  words,
} from '../../options.js';
import type { ApplyInput } from '../change.js';
import { PLACEMENT } from '../drain-request.js';
import type {
  ClaimInput,
  EvacuateInput,
  MoveInput,
  QuarantineInput,
  ReleaseInput,
  ShutdownInput,
  ShutdownManner,
  StepDomain,
} from '../step-inputs.js';

const UUID: Rule = { takes: 'a UUID', fits: (value) => typeof value === 'string' && isUuid(value) };
/** It is kept in the domain's document, and shown to people. */
const OPERATION = line('an id');
const STEP: OptionTable<StepDomain> = {
  domain: group<StepDomain['domain']>({ name: TEXT, uuid: UUID }),
  from: TEXT,
  operation: OPERATION,
};

export function checkClaimInput(step: string, input: unknown): void {
  checkOptions<ClaimInput>(step, input ?? null, STEP as OptionTable<ClaimInput>, {
    needs: ['domain', 'from', 'operation'],
  });
}
const SHUTDOWN = group<ShutdownManner>({
  by: words('acpi', 'agent', 'agent-else-acpi'),
  timeout: MILLISECONDS,
  onTimeout: words('error', 'destroy'),
});
const MOVE: OptionTable<MoveInput> = {
  ...STEP,
  to: TEXT,
  running: BOOLEAN,
  way: words('live', 'block', 'cold'),
  copies: TEXTS,
  shared: TEXTS,
  keepFree: PLACEMENT.keepFree,
  policy: ANYTHING,
  shutdown: SHUTDOWN,
};

/** Checks an input that came out of a store: `ARGUMENT_INVALID` by path. */
export function checkMove(input: unknown): void {
  checkOptions<MoveInput>('move', input ?? null, MOVE, { needs: ['domain', 'from', 'to', 'running', 'way'] });
}

export function checkShutdown(input: unknown): void {
  checkOptions<ShutdownInput>(
    'shutDown',
    input ?? null,
    { ...STEP, shutdown: SHUTDOWN },
    { needs: ['domain', 'from'] },
  );
}

const EVACUATE: OptionTable<EvacuateInput> = {
  ...STEP,
  to: TEXT,
  start: BOOLEAN,
  bundle: TEXT,
  proof: OBJECT,
  keepFree: PLACEMENT.keepFree,
  leftOutSecrets: words('refuse', 'without'),
  autostart: words('restore', 'leave-off'),
  unknownHosts: words('refuse', 'accept'),
};

export function checkEvacuateInput(input: unknown, options: unknown): void {
  const needs = ['domain', 'from', 'to', 'start', 'bundle'] as const;
  checkOptions<EvacuateInput>('evacuate', input ?? null, EVACUATE, { needs });
  checkArgument('evacuate', 'options.bundles', (options as { bundles?: unknown } | undefined)?.bundles, CALLBACK);
}

const APPLY: OptionTable<ApplyInput> = {
  ...STEP,
  digest: TEXT,
  interrupted: words('complete', 'undo', 'refuse'),
};

export function checkApplyInput(input: unknown, options: unknown): void {
  checkOptions<ApplyInput>('apply', input ?? null, APPLY, { needs: ['domain', 'from', 'digest'] });
  checkArgument('apply', 'options.request', (options as { request?: unknown } | undefined)?.request, OBJECT);
}

const NOTED: OptionTable<NonNullable<QuarantineInput['domains']>[number]> = { name: TEXT, uuid: UUID, to: TEXT };
const QUARANTINE: OptionTable<QuarantineInput> = {
  operation: OPERATION,
  from: TEXT,
  domains: LIST,
  running: words('leave', 'destroy'),
};

export function checkQuarantineInput(input: unknown): void {
  checkOptions<QuarantineInput>('quarantine', input ?? null, QUARANTINE, { needs: ['operation', 'from'] });
  for (const [at, each] of ((input as QuarantineInput).domains ?? []).entries())
    checkOptions(`quarantine: domains[${at}]`, each ?? null, NOTED, { needs: ['name', 'uuid'] });
}

const RELEASE: OptionTable<ReleaseInput> = {
  ...STEP,
  does: words('undefine', 'clear'),
  abi: words('same', 'any'),
  nvram: words('keep', 'remove'),
  unknownHosts: words('refuse', 'accept'),
};

export function checkReleaseInput(input: unknown): void {
  checkOptions<ReleaseInput>('release', input ?? null, RELEASE, { needs: ['domain', 'from', 'does'] });
}
