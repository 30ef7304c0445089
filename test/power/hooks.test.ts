import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainManager, HookError } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

test('a hook may plan and apply on its own domain', async () => {
  const { connection, define } = await bench();
  const { uuid } = await define();
  let hooked = 0;
  const manager = new DomainManager(connection, {
    hooks: {
      beforeStart: async (domain) => {
        await domain.apply(await domain.plan({ set: { title: `start ${++hooked}` } }));
      },
      afterStop: async (domain) => {
        await domain.apply(await domain.plan({ set: { title: null } }));
      },
    },
  });
  const domain = await manager.get(uuid);
  await within(domain.start({ paused: true }), 20_000, 'starting with a hook');
  assert.match((await domain.live()) ?? '', '<title>start 1</title>');
  await within(domain.destroy(), 20_000, 'stopping with a hook');
  assert.not.match(await domain.canonical(), '<title>');
});

test('a beforeStart hook that rejects keeps the domain from starting', async () => {
  const { connection, define } = await bench();
  const { uuid } = await define();
  const refuse = () => Promise.reject(new Error('the volume is not there'));
  const domain = await new DomainManager(connection, { hooks: { beforeStart: refuse } }).get(uuid);
  const refused = await domain.start().then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(refused, HookError);
  assert.is((refused as HookError).code, 'HOOK_FAILED');
  assert.match((refused as HookError).message, 'the volume is not there');
  assert.is(await domain.state(), 'shutoff');
});

test('a task that a hook left behind waits for its turn', async () => {
  const { connection, define } = await bench();
  const { uuid } = await define();
  let release = () => {};
  let destroyed: Promise<unknown> | undefined;
  const manager = new DomainManager(connection, {
    hooks: {
      beforeStart: (domain) => {
        const signal = new Promise<void>((resolve) => {
          release = resolve;
        });
        destroyed = signal.then(() => domain.destroy());
      },
    },
  });
  const domain = await manager.get(uuid);
  await domain.start({ paused: true });
  const order: string[] = [];
  const plan = await domain.plan({ set: { title: 'a', description: 'b' } });
  const applied = domain.apply(plan, {
    onProgress: ({ state, done }) => {
      if (done === 0 && state === 'started') release();
    },
  });
  applied.then(() => order.push('applied'));
  destroyed?.then(() => order.push('destroyed'));
  await within(Promise.all([applied, destroyed]), 60_000, 'apply and destroy');
  assert.equal(order, ['applied', 'destroyed']);
});

test('what onProgress begins waits for the end of the apply', async () => {
  const { define } = await bench();
  const domain = await define();
  let begun: Promise<unknown> | undefined;
  const order: string[] = [];
  const plan = await domain.plan({ set: { title: 'a', description: 'b' } });
  const { operations } = await domain.apply(plan, {
    onProgress: ({ done, total, state }) => {
      begun ??= domain.start({ paused: true }).then(() => order.push('started'));
      if (done === total && state === 'done') order.push('applied');
    },
  });
  await within(begun as Promise<unknown>, 60_000, 'the start');
  assert.is(operations.length, 2);
  assert.equal(order, ['applied', 'started']);
});

test('two applies queue up, and the second plan is stale by then', async () => {
  const { define } = await bench();
  const domain = await define();
  const [first, second] = await Promise.all([
    domain.plan({ set: { title: 'a' } }),
    domain.plan({ set: { title: 'b' } }),
  ]);
  const applied = domain.apply(first);
  await failure(domain.apply(second), 'PLAN_STALE');
  await applied;
  assert.match(await domain.canonical(), '<title>a</title>');
});

test('what onProgress throws ends nothing', async () => {
  const { define } = await bench();
  const domain = await define();
  const states: string[] = [];
  const plan = await domain.plan({ set: { title: 'kept', description: 'too' } });
  const { operations } = await domain.apply(plan, {
    onProgress: ({ state }) => {
      states.push(state);
      throw new Error('a bug of the caller');
    },
  });
  assert.is(operations.length, 2);
  assert.equal(states, ['started', 'done', 'started', 'done']);
  assert.match(await domain.canonical(), '<title>kept</title>');
});

test('a default that libvirt does not write can be asked for, and is not asked again', async () => {
  const { define } = await bench();
  const domain = await define();
  assert.ok((await domain.plan({ update: [{ disk: 'root', set: { driver: { cache: 'default' } } }] })).isEmpty);
  await domain.apply(await domain.plan({ update: [{ disk: 'root', set: { driver: { cache: 'none' } } }] }));
  const back = { update: [{ disk: 'root', set: { driver: { cache: 'default' } } }] } as const;
  await domain.apply(await domain.plan(back));
  assert.not.match(await domain.canonical(), "cache='none'");
  assert.ok((await domain.plan(back)).isEmpty);
});

test('a list that becomes shorter leaves nothing of the longer one', async () => {
  const { define } = await bench();
  const hosts = [{ name: 'a.example' }, { name: 'b.example' }, { name: 'c.example' }] as const;
  const domain = await define();
  const image = (list: readonly { readonly name: string }[]) =>
    ({ protocol: 'rbd', name: 'pool/image', hosts: list }) as const;
  await domain.apply(await domain.plan({ attach: [{ disk: { id: 'net', target: 'vdn', network: image(hosts) } }] }));
  await domain.apply(
    await domain.plan({ update: [{ disk: 'net', set: { network: image([{ name: 'd.example' }]) } }] }),
  );
  const canonical = await domain.canonical();
  assert.match(canonical, 'd.example');
  assert.not.match(canonical, /[abc]\.example/);
});

test.run();
