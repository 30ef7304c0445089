import { existsSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Authority } from '../../src/testing/index.js';

test('Authority: many certificates asked for at once are each issued, and none is lost to another', async () => {
  const authority = await Authority.create();
  const issued = await Promise.all(
    Array.from({ length: 12 }, (_, at) => (at % 2 ? authority.server() : authority.client())),
  );
  assert.is(new Set(issued.map(({ cert }) => readFileSync(cert, 'utf8'))).size, issued.length);
  await authority[Symbol.asyncDispose]();
  assert.not.ok(existsSync(authority.directory));
});

test('Authority: one that cannot be issued is an error of its own, and the next one comes', async () => {
  await using authority = await Authority.create();
  const [wrong, right] = await Promise.allSettled([authority.client({ subject: 'nonsense' }), authority.client()]);
  assert.equal([wrong.status, right.status], ['rejected', 'fulfilled']);
});

test.run();
