import { createInterface } from 'node:readline';
import { type Done, type Hello, type Operations, PROTOCOL, type Request } from './protocol.js';

/** A request that is not carried out, and of which nothing was done. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest';
}

/** A manager as the kit drives it. Each method resolves when the work is done. */
export type Driver = {
  /** What it is. `state` is a folder that is the driver's own and outlives its process. */
  hello(state: string): Hello | Promise<Hello>;
  /** Called when the input ends. */
  close?(): Promise<void>;
} & { [Do in Exclude<keyof Operations, 'hello'>]?: (request: Operations[Do]) => Promise<Done | undefined> };

/**
 * The driver's end of the protocol, for drivers in JavaScript: reads requests from stdin and answers on stdout until stdin ends. A
 * {@link RefusedRequest} that a method throws is told as a refusal, any other error as a failure.
 *
 * @example
 * await serveDriver({
 *   hello: () => ({ name: 'mine', capabilities: [] }),
 *   define: async ({ host, xml }) => { … },
 * });
 */
export async function serveDriver(driver: Driver): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue;
    const request = JSON.parse(line) as Request;
    process.stdout.write(`${JSON.stringify({ id: request.id, ...(await outcomeOf(driver, request)) })}\n`);
  }
  await driver.close?.();
}

async function outcomeOf(driver: Driver, request: Request): Promise<object> {
  try {
    if (request.do === 'hello') {
      if (request.protocol !== PROTOCOL) throw new Error(`protocol ${request.protocol} is not known, ${PROTOCOL} is`);
      return { done: await driver.hello(request.state) };
    }
    const work = driver[request.do] as ((request: Request) => Promise<Done | undefined>) | undefined;
    if (!work) throw new RefusedRequest(`${request.do} is not offered`);
    return { done: (await work.call(driver, request)) ?? {} };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return error instanceof RefusedRequest ? { refused: why } : { failed: why };
  }
}
