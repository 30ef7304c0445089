import { Topology } from '../domain/index.js';
import { digestOf } from './digest.js';
import type { Draft } from './draft.js';
import type { Intent } from './intent.js';
import { Plan } from './plan.js';

/** The plan of a draft: with the intent written in it as an operation of its own, and what an operator should know beside. */
export function finish(draft: Draft, intent?: Intent): Plan {
  const { context, operations, refusals, notes } = draft;
  const write = refusals.length === 0 && context.persistent ? intent?.operation(context, draft.intent) : undefined;
  if (write) operations.push(write);
  if (context.managedSave && operations.length > 0) {
    notes.push(
      'a managed-save image waits for the next start and carries its own document: the changes show after a start that discards it',
    );
  }
  const now = new Topology(context.canonical, context.live).pciCapacity();
  return new Plan({
    domain: { name: context.canonical.name, uuid: context.canonical.uuid },
    operations,
    refusals,
    notes,
    capacity: { pci: { ...now, freeAfter: draft.topology.pciCapacity().free } },
    digest: digestOf(context),
  });
}
