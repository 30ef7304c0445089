import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { change, documentsOf, refused } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const memoryOf = (xml: string) =>
  ['memory', 'currentMemory'].map((name) => Number(new RegExp(`<${name} unit='KiB'>(\\d+)<`).exec(xml)?.[1]) / 1024);

test('M1: memory: current at once, the maximum from the next boot on', async () => {
  const domain = await (await bench()).started({ memory: { current: '48 MiB', maximum: '64 MiB' } });
  const { after } = await change(domain, { set: { memory: '56 MiB' } });
  assert.equal(memoryOf(after.canonical), [64, 56]);
  const raised = await change(domain, { set: { memory: { current: '96 MiB', maximum: '128 MiB' } } });
  assert.equal(memoryOf(raised.after.canonical), [128, 96]);
  assert.is(memoryOf(raised.after.live ?? '')[0], 64, 'the maximum of a running guest stays');
  assert.ok(raised.plan.operations.every(({ takesEffect }) => takesEffect === 'next-boot'));
  assert.ok((await domain.pending()).changes.some(({ subject }) => subject === 'memory'));
  await domain.destroy();
  await domain.start({ paused: true });
  assert.is(memoryOf((await domain.live()) ?? '')[0], 128);
  assert.equal((await domain.pending()).changes, []);
});

test('M1: memory of a domain that is off, down again and up', async () => {
  const domain = await (await bench()).define();
  for (const [memory, expected] of [
    ['32 MiB', [64, 32]],
    [{ maximum: '128 MiB' }, [128, 32]],
    [{ current: '16 MiB', maximum: '16 MiB' }, [16, 16]],
  ] as const) {
    const { after } = await change(domain, { set: { memory } });
    assert.equal(memoryOf(after.canonical), expected);
  }
});

test('vcpus: plugged at once up to the maximum, more of them from the next boot on', async () => {
  const domain = await (await bench()).started({ vcpus: { current: 1, maximum: 3 } });
  const count = (xml = '') => /<vcpu placement='static'(?: current='(\d)')?>(\d)</.exec(xml)?.slice(1);
  const { after } = await change(domain, { set: { vcpus: 2 } });
  assert.equal(
    [count(after.canonical), count(after.live)],
    [
      ['2', '3'],
      ['2', '3'],
    ],
  );
  const more = await change(domain, { set: { vcpus: { current: 2, maximum: 4 } } });
  assert.equal(
    [count(more.after.canonical), count(more.after.live)],
    [
      ['2', '4'],
      ['2', '3'],
    ],
  );
});

test('title, description and metadata: set, changed and removed, in both documents, others left alone (M6)', async () => {
  const b = await bench();
  for (const domain of [await b.started(), await b.define()]) {
    const foreign = { 'urn:foreign': { prefix: 'f', xml: '<f a="1">\n  <g/> text </f>' } };
    await change(domain, { set: { metadata: foreign } });
    const mine = { 'urn:mine': { prefix: 'm', xml: '<mine><a b="&lt;&amp;">1</a></mine>' } };
    const set = { title: 'A & <b>', description: 'two\nlines & "more"', metadata: mine } as const;
    const { after, plan } = await change(domain, { set });
    assert.is(plan.operations.length, 3);
    for (const xml of [after.canonical, after.live].filter((each) => each !== undefined)) {
      assert.ok(xml.includes('<title>A &amp; &lt;b&gt;</title>'));
      assert.match(xml, /<description>two\nlines &amp; (&quot;|")more(&quot;|")<\/description>/);
      assert.match(xml, /<m:mine xmlns:m="urn:mine">\s*<(m:)?a b="&lt;&amp;">1<\/(m:)?a>\s*<\/m:mine>/);
      assert.match(xml, /<f:f [^>]*a="1"/);
    }
    const gone = await change(domain, { set: { title: null, description: null, metadata: { 'urn:mine': null } } });
    for (const xml of [gone.after.canonical, gone.after.live].filter((each) => each !== undefined)) {
      assert.not.match(xml, /<title>|<description>|urn:mine/);
      assert.match(xml, /urn:foreign/);
    }
    assert.ok((await domain.plan({ set: { metadata: { 'urn:mine': null, 'urn:never': null } } })).isEmpty);
  }
});

test('R10: autostart is set and unset, on and off, and no other change loses it', async () => {
  const b = await bench();
  const { connection } = b;
  for (const domain of [await b.started(), await b.define()]) {
    const { dom } = await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
    const autostart = async () => (await connection.call('DOMAIN_GET_AUTOSTART', { dom })).autostart;
    await change(domain, { set: { autostart: true } });
    assert.is(await autostart(), 1);
    await change(domain, { set: { title: 'other' }, attach: [{ interface: { id: 'x', user: true } }] });
    assert.is(await autostart(), 1);
    await change(domain, { set: { autostart: false } });
    assert.is(await autostart(), 0);
  }
});

test('R5: a managed-save image: mentioned in plans, never started by accident, and in the way of undefine', async () => {
  const b = await bench();
  const domain = await b.started();
  const { dom } = await b.connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
  await b.connection.call('DOMAIN_MANAGED_SAVE', { dom, flags: 0 });
  const { plan } = await change(domain, { set: { title: 'changed meanwhile' } });
  assert.match(plan.notes.join(), /managed-save image/);
  const before = await documentsOf(domain);
  for (const attempt of [() => domain.start(), () => domain.undefine(), () => domain.reboot({ mode: 'hard' })]) {
    const error = await failure(attempt, 'DOMAIN_STATE');
    assert.is(error.domain, domain.name);
  }
  assert.equal(await documentsOf(domain), before);
  await domain.start({ managedSave: 'discard', paused: true });
  assert.equal((await domain.pending()).changes, []);
  await domain.destroy();
  await domain.undefine();
  await failure(b.manager.get(domain.uuid), 'DOMAIN_NOT_FOUND');
});

test('a maximum that the definition fixes for good is refused', async () => {
  const b = await bench();
  const xml = `<domain type='qemu'><name>fixed</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu><os><type machine='q35'>hvm</type></os><cpu mode='custom'><model>qemu64</model><topology sockets='1' cores='2' threads='1'/><numa><cell id='0' cpus='0-1' memory='65536'/></numa></cpu></domain>`;
  const domain = await b.manager.define(xml);
  await refused(domain, { set: { vcpus: 4 } }, /topology/);
  await refused(domain, { set: { memory: '1 GiB' } }, /NUMA/);
});

test.run();
