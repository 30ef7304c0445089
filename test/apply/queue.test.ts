import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { outsideDomainQueue } from '../../src/apply/domain-queue.js';
import { inDomainQueue, isQueued, notify } from '../../src/apply/index.js';
import { failure, within } from '../support/deadline.js';

/** Works that note when they begin and end. */
function diary() {
  const notes: string[] = [];
  const work =
    (name: string, body: () => Promise<unknown> = () => sleep(5)) =>
    async () => {
      notes.push(`+${name}`);
      await body();
      notes.push(`-${name}`);
    };
  return { notes, work, text: () => notes.join(' ') };
}

test('queued: one after the other, in the order in which they were asked for, also after a failure', async () => {
  const { work, text } = diary();
  const failing = inDomainQueue('a', async () => {
    await work('bad')();
    throw new Error('x');
  });
  const all = [
    failing,
    inDomainQueue('a', work('1')),
    inDomainQueue('a', work('2')),
    inDomainQueue(
      'b',
      work('other', async () => {}),
    ),
  ];
  await within(Promise.allSettled(all));
  assert.is(text(), '+bad +other -other -bad +1 -1 +2 -2');
  assert.not.ok(isQueued('a'));
});

test('queued: what a work begins and waits for is part of it, to any depth', async () => {
  const { work, text } = diary();
  const inner = () =>
    inDomainQueue(
      'a',
      work('inner', () => inDomainQueue('a', work('innermost'))),
    );
  await within(Promise.all([inDomainQueue('a', work('outer', inner)), inDomainQueue('a', work('next'))]));
  assert.is(text(), '+outer +inner +innermost -innermost -inner -outer +next -next');
});

test('queued: a timer, a listener or a promise that a work left behind waits for its turn', async () => {
  const { work, text } = diary();
  let release = () => {};
  const signal = new Promise<void>((resolve) => {
    release = resolve;
  });
  const left: Promise<unknown>[] = [];
  await inDomainQueue(
    'a',
    work('hook', async () => {
      left.push(signal.then(() => inDomainQueue('a', work('listener'))));
      left.push(sleep(20).then(() => inDomainQueue('a', work('timer'))));
    }),
  );
  const long = inDomainQueue(
    'a',
    work('apply', () => sleep(60)),
  );
  release();
  await within(Promise.all([...left, long]));
  assert.ok(text().startsWith('+hook -hook +apply -apply '), text());
});

test('queued: a hook within a work ends with the hook, though the work goes on', async () => {
  const { work, text } = diary();
  let late: Promise<unknown> = Promise.resolve();
  const hook = async () => {
    late = sleep(10).then(() => inDomainQueue('a', work('late')));
  };
  await inDomainQueue(
    'a',
    work('start', async () => {
      await inDomainQueue('a', work('hook', hook));
      await sleep(40);
    }),
  );
  await within(late);
  assert.is(text(), '+start +hook -hook -start +late -late');
});

test('queued: a work waits for what it began in its line and did not wait for itself; two of those do not mix', async () => {
  const { work, text } = diary();
  await inDomainQueue(
    'a',
    work('hook', async () => {
      inDomainQueue('a', work('1'));
      inDomainQueue('a', work('2'));
    }),
  );
  await inDomainQueue('a', work('next'));
  assert.ok(text().endsWith(' -1 +2 -2 +next -next'), text());
});

test('tell: what a callback begins waits, and what it throws or rejects with is dropped', async () => {
  const { work, text } = diary();
  let begun: Promise<unknown> = Promise.resolve();
  await inDomainQueue(
    'a',
    work('apply', async () => {
      notify(() => {
        begun = inDomainQueue('a', work('begun'));
      }, 1);
      notify(() => {
        throw new Error('a bug of the caller');
      }, 1);
      notify(() => Promise.reject(new Error('another')), 1);
      notify(undefined, 1);
      await sleep(20);
    }),
  );
  await within(begun);
  assert.is(text(), '+apply -apply +begun -begun');
});

test('apart: begun inside a work, it is not part of it', async () => {
  const { work, text } = diary();
  let other: Promise<unknown> = Promise.resolve();
  await inDomainQueue(
    'a',
    work('apply', async () => {
      other = outsideDomainQueue(() => inDomainQueue('a', work('other')));
      await sleep(10);
    }),
  );
  await within(other);
  assert.is(text(), '+apply -apply +other -other');
});

test('queued: a signal ends the waiting, not the work; what waits behind has its turn all the same', async () => {
  const { work, text } = diary();
  const stop = new AbortController();
  const first = inDomainQueue(
    'a',
    work('1', () => sleep(40)),
    stop.signal,
  );
  const second = inDomainQueue('a', work('2'), stop.signal);
  const third = inDomainQueue('a', work('3'));
  stop.abort(new Error('enough'));
  const error = await failure(second, 'ABORTED');
  assert.is((error.cause as Error).message, 'enough');
  assert.is(text(), '+1', 'it did not wait for the first');
  await failure(inDomainQueue('a', work('4'), stop.signal), 'ABORTED');
  await within(Promise.all([first, third]));
  assert.is(text(), '+1 -1 +3 -3');
  // Nobody is before it: the work itself tells what it does about its signal.
  await inDomainQueue('a', work('5'), stop.signal);
  assert.is(text(), '+1 -1 +3 -3 +5 -5');
  assert.not.ok(isQueued('a'));
});

test('queued: what is aborted within a work of its own line leaves that line in order', async () => {
  const { work, text } = diary();
  await inDomainQueue(
    'a',
    work('outer', async () => {
      const stop = new AbortController();
      const one = inDomainQueue('a', work('1'));
      const two = inDomainQueue('a', work('2'), stop.signal);
      stop.abort();
      await failure(two, 'ABORTED');
      await Promise.all([one, inDomainQueue('a', work('3'))]);
    }),
  );
  assert.is(text(), '+outer +1 -1 +3 -3 -outer');
});

test.run();
