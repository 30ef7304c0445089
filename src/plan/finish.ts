import { type BusName, isOfDomain, journalDomain, type Operation, ownElements } from '../domain/index.js';
import { refuseFunctionZeroAlone } from './detach.js';
import { digestOf } from './digest.js';
import type { Draft } from './draft.js';
import { assertImagesAreFree } from './draft-images.js';
import type { Intent } from './intent.js';
import { Plan } from './plan.js';
import type { BusCapacity } from './plan-parts.js';
import { vcpuUnplugsFirst } from './vcpu-unplug.js';

/** Calls that make what devices refer to: before everything else. */
const FIRST: ReadonlyArray<Operation['call']['procedure']> = [
  'DOMAIN_ADD_IOTHREAD',
  'DOMAIN_SET_IOTHREAD_PARAMS',
  'DOMAIN_SET_THROTTLE_GROUP',
];

/** The plan of a draft: with the intent written in it as an operation of its own, and what an operator should know beside. */
export function finish(draft: Draft, intent?: Intent): Plan {
  refuseFunctionZeroAlone(draft);
  assertImagesAreFree(draft);
  const { context, refusals, notes } = draft;
  const isFirst = ({ call }: Operation) => FIRST.includes(call.procedure);
  const { storage } = draft;
  const operations = vcpuUnplugsFirst([
    ...(storage?.when === 'first' ? storage.operations : []),
    ...draft.operations.filter(isFirst),
    ...draft.operations.filter((operation) => !isFirst(operation)),
    ...(storage?.when === 'last' ? storage.operations : []),
  ]);
  const write = refusals.length === 0 && context.persistent ? intent?.operation(context, draft.intent) : undefined;
  if (write) operations.push(write);
  if (context.managedSave && operations.length > 0) {
    notes.push(
      'a managed-save image waits for the next start and carries its own document: the changes show after a start that discards it',
    );
  }
  const { uuid } = context.canonical;
  const journal = ownElements(context.canonical, 'journal').map((entry) => isOfDomain(journalDomain(entry), uuid));
  if (journal.includes(true))
    notes.push('another apply to this domain is in progress or was interrupted: see interrupted and recover');
  if (journal.includes(false))
    notes.push(
      "a copied document brought the journal of another domain, which counts for nothing: recover({ mode: 'keep' }) takes it out",
    );
  const after = draft.topology.capacity();
  const capacity = Object.fromEntries(
    Object.entries(draft.capacity).map(([bus, now]) => [bus, { ...now, freeAfter: after[bus as BusName].free }]),
  ) as Record<BusName, BusCapacity>;
  const parts = {
    domain: { name: context.canonical.name, uuid: context.canonical.uuid },
    operations,
    refusals,
    notes,
    capacity,
    digest: digestOf(context),
  };
  return new Plan(parts, context);
}
