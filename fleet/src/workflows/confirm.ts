import { DBOS } from '@dbos-inc/dbos-sdk';
import { awaited, must, note, step } from './step.js';

/** A person's word, as an operation is told it. */
export interface Confirmed {
  readonly by: string;
  readonly host?: string;
  readonly says?: string;
}

/** What a run that waits is sent. */
export type Message = Confirmed | { readonly cancelled: true };

/** Seconds that one wait lasts before it begins again. A wait has no end of its own. */
const WAIT = 86_400;

/** Waits durably for a person's word on a topic. Undefined when the operation was cancelled meanwhile. */
export async function confirmed(
  operation: string,
  topic: string,
  says: string,
  host?: string,
): Promise<Confirmed | undefined> {
  const run = DBOS.workflowID as string;
  const asked = must(
    await step(operation, `wait ${topic}`, async ({ store }) => {
      await store.wait(operation, topic, {
        run,
        says,
        ...(host !== undefined && { host }),
        since: new Date().toISOString(),
      });
      // Whoever cancels tells those that wait: asked after it was written that this one does.
      return (await store.operation(operation)).asked;
    }),
  );
  let message: Message | null = asked === 'cancel' || asked === 'abort' ? { cancelled: true } : null;
  while (!message) message = await awaited(DBOS.recv<Message>(topic, { timeoutSeconds: WAIT, pollingIntervalMs: 250 }));
  must(await step(operation, `waited ${topic}`, ({ store }) => store.waited(operation, topic)));
  if ('cancelled' in message) return undefined;
  await note(operation, `confirmed ${topic} ${await DBOS.now()}`, `confirmed ${topic}`, { ...message }, message.by);
  return message;
}
