import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CALL_CHANNEL,
  type ChangeRequest,
  CONNECTION_CHANNEL,
  EVENT_CHANNEL,
  LibvirtCanonicalError,
  type LibvirtError,
  Plan,
} from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** Every planted secret holds it. VNC takes eight bytes. */
const MARK = 'hunter';
const COOKIE = (value: string) =>
  `<disk type='network' device='cdrom'><source protocol='https' name='x.iso'><host name='h' port='1'/><cookies><cookie name='c'>${value}</cookie></cookies></source><target dev='sdb' bus='sata'/></disk>`;
const TOKEN = { 'urn:mine': { prefix: 'm', xml: '<token>hunter4</token>' } };

/** All that a program could write to a log of a value: as text, as JSON, as `console.log` shows it, down to the last cause. */
function everything(value: unknown): string {
  const plain = (each: unknown) => JSON.stringify(each, (_, part) => (typeof part === 'bigint' ? String(part) : part));
  const shown = [String(value), inspect(value, { depth: 12 }), plain(value)];
  if (value instanceof Error) shown.push(value.stack ?? '', plain({ ...value }), everything(value.cause ?? ''));
  return shown.join('\n');
}

const silent = (value: unknown, what: string): void => assert.not.match(everything(value), MARK, what);

async function failed(what: string, attempt: () => Promise<unknown>): Promise<LibvirtCanonicalError> {
  const error = await attempt().then(
    () => assert.unreachable(`${what} succeeded`),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, LibvirtCanonicalError, what);
  silent(error, what);
  return error as LibvirtCanonicalError;
}

test('secrets of a real domain are in no plan, error, report or record of the wire', async () => {
  const { define, manager, connection, host } = await bench();
  const records: unknown[] = [];
  const listener = (record: unknown) => records.push(record);
  const channels = [CALL_CHANNEL, EVENT_CHANNEL, CONNECTION_CHANNEL];
  for (const channel of channels) subscribe(channel, listener);
  try {
    const domain = await define({ devices: [{ graphics: { type: 'vnc', passwd: 'hunter1' } }] });
    const requests: ChangeRequest[] = [
      { update: [{ graphics: 'vnc', set: { passwd: 'hunter2' } }] },
      { update: [{ graphics: 'vnc', set: { keymap: 'de' } }] },
      { attach: [COOKIE('hunter3')] },
      { set: { metadata: TOKEN } },
    ];
    for (const request of requests) {
      const what = inspect(request);
      const plan = await domain.plan(request);
      assert.ok(plan.operations.length > 0, what);
      silent(plan, what);
      silent(Plan.fromJSON(JSON.stringify(plan)), `${what}, read back`);
      const progress: unknown[] = [];
      await domain.apply(plan, { onProgress: ({ state, operation: { subject } }) => progress.push([state, subject]) });
      silent(await domain.plan(request), `${what}, planned again`);
      silent(progress, what);
    }
    assert.match(await domain.canonical(), /hunter2[\s\S]*hunter4|hunter4[\s\S]*hunter2/, 'they are where they belong');
    const stale = await domain.plan({ set: { title: 'x' } });
    await domain.apply(await domain.plan({ update: [{ graphics: 'vnc', set: { passwd: 'hunter5' } }] }));
    assert.is((await failed('a stale plan', () => domain.apply(stale))).code, 'PLAN_STALE');
    silent(await domain.pending(), 'pending');
    silent(await domain.guestAbi(), 'guest ABI');
    silent(await domain.drift(), 'drift');
    // What stands in metadata goes with its domain.
    assert.not.match(everything(await domain.export()), /hunter[^4]/, 'a bundle without secrets');
    silent(domain, 'the domain');
    silent(connection, 'the connection');
    silent(manager, 'the manager');

    for (const passwd of ['', 'hunter\0', 'hunter\ud800', 'hunterhunter', 12345, ['hunter'], { hunter: 1 }, true])
      assert.not.match(
        (
          await failed(`passwd ${inspect(passwd)}`, () =>
            domain.plan({ update: [{ graphics: 'vnc', set: { passwd } }] } as never),
          )
        ).message,
        '12345',
      );
    await failed('another display', () =>
      domain.plan({ attach: ["<graphics type='vnc' passwd='hunter6'/>"] }).then((plan) => domain.apply(plan)),
    );
    for (const xml of [
      "<graphics type='vnc' passwd='hunter7' <bad/>",
      "<graphics type='vnc' passwd=hunter7/>",
      "<graphics type='vnc' passwd='hunter7' keymap='de'></graphic>",
      COOKIE('hunter7').replace('</cookies>', ''),
    ]) {
      await failed('malformed XML', () => domain.plan({ attach: [xml] }));
      const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
      // libvirt itself quotes the line.
      const error = (await failed('malformed XML, by a call', () =>
        connection.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml, flags: 2 }),
      )) as LibvirtError;
      assert.is(error.errorName, 'VIR_ERR_XML_DETAIL');
    }
    // The first of two operations holds a secret, the second fails.
    const missing = { disk: { id: 'gone', target: 'vdc', file: `${host.directory}/none` } } as const;
    const unstarted = await failed('a start without the driver for https', () => domain.start({ paused: true }));
    assert.is(unstarted.code, 'START_FAILED');
    await domain.apply(await domain.plan({ detach: [{ disk: 'sdb' }] }));
    await domain.start({ paused: true });
    const rolled = await failed('a rollback', async () =>
      domain.apply(await domain.plan({ update: [{ graphics: 'vnc', set: { passwd: 'hunter8' } }], attach: [missing] })),
    );
    assert.is(rolled.code, 'APPLY_FAILED');
    await domain.destroy();
    for (const broken of [JSON.stringify(await domain.export({ secrets: 'include' })), '{"hunter', 'hunter'])
      await failed('a bundle cut short', () => manager.import(broken.slice(0, -1)));
    for (const broken of ['{"hunter', 'hunter', '{"formatVersion":"hunter"}'.replace('"hunter"', '7')])
      await failed('a plan cut short', async () => Plan.fromJSON(broken));
    await failed('a definition', () =>
      manager.define("<domain><name>x</name><devices><graphics passwd='hunter9'></domain>"),
    );
  } finally {
    for (const channel of channels) unsubscribe(channel, listener);
  }
  assert.ok(records.length > 50, `${records.length} records`);
  silent(records, 'the record of the wire');
});

test.run();
