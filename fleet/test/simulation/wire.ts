import type { AnyProcedure } from '../../../src/connection/procedures.js';
import type { Message } from '../../../src/connection/wire/message.js';
import { argsOfCall, nameOfCall } from '../../../test/support/calls.js';

/** A call of libvirt's remote program. */
export interface Call {
  readonly name: AnyProcedure;
  readonly args: Record<string, unknown>;
}

export function callOf(message: Message): Call | undefined {
  const name = nameOfCall(message);
  return name && { name, args: argsOfCall(name, message) };
}

/** What a call is known by: its domain and its numbers of handles left out, since those of a simulated host are others. */
export function keyOf({ name, args }: Call, kind: string): string {
  const { dom: _, ...rest } = args;
  return `${name} ${kind} ${JSON.stringify(rest, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))}`;
}
