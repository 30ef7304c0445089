import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readAnswer, readHello } from '../../src/conformance/protocol.js';
import { failureNow } from '../support/deadline.js';

const answer = (value: unknown) => readAnswer(typeof value === 'string' ? value : JSON.stringify(value), 7);

test('an answer is done, refused or failed', () => {
  assert.equal(answer({ id: 7, done: {} }).claim, { claim: 'done' });
  assert.equal(answer({ id: 7, done: { place: '0000:05:00.0' } }).claim, { claim: 'done', place: '0000:05:00.0' });
  assert.equal(answer({ id: 7, refused: 'no port' }).claim, { claim: 'refused', why: 'no port' });
  assert.equal(answer({ id: 7, failed: 'boom' }).claim, { claim: 'failed', why: 'boom' });
});

test('what is no answer is said to be none, and why', () => {
  for (const [given, why] of [
    ['hello?', 'is not JSON'],
    ['null', 'is no object'],
    [{ id: 8, done: {} }, 'the id 8 instead of 7'],
    [{ id: 7 }, 'neither'],
    [{ id: 7, done: {}, failed: 'x' }, 'done and failed'],
    [{ id: 7, done: true }, 'no object'],
    [{ id: 7, done: { place: 'slot 5' } }, 'the place "slot 5"'],
  ] as const)
    assert.match(failureNow(() => answer(given), 'PROTOCOL_VIOLATION').message, why);
});

test('hello: a name and known capabilities, with the nearest of an unknown one', () => {
  assert.equal(readHello({ name: 'x', capabilities: ['update'] }), { name: 'x', capabilities: ['update'] });
  assert.match(failureNow(() => readHello({ capabilities: [] }), 'PROTOCOL_VIOLATION').message, 'no name');
  const { message } = failureNow(() => readHello({ name: 'x', capabilities: ['migrat'] }), 'PROTOCOL_VIOLATION');
  assert.match(message, 'Did you mean migrate?');
});

test.run();
