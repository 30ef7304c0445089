import * as assert from 'uvu/assert';
import { tokens } from '../../src/conformance/tokens.js';

export { type Token, tokens } from '../../src/conformance/tokens.js';

/** Fails at the first token in which two XML texts differ. White space around the root is nobody's. */
export function assertSameTokens(actual: string, expected: string, what = 'XML'): void {
  const [a, b] = [tokens(actual.trim()), tokens(expected.trim())];
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, index) => index).find(
    (index) => JSON.stringify(a[index]) !== JSON.stringify(b[index]),
  );
  if (at !== undefined) assert.equal(a[at], b[at], `${what}: token ${at} differs`);
}
