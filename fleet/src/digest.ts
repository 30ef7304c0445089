import { createHash } from 'node:crypto';

/** By which one operation is told from another of the same id: of all that it is begun with. */
export const digestOf = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');
