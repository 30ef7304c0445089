import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as libvirt from '../../src/connection/index.js';
import { DOMAIN_EVENTS, type DomainEventName } from '../../src/connection/index.js';
import { DOMAIN_EVENT_ROWS, LIFECYCLE, lifecycleChange, WORDS, word } from '../../src/events/index.js';

/** The constants of libvirt that begin so, in the order of their numbers. */
function constants(prefix: string): Array<[name: string, value: number]> {
  return Object.entries(libvirt as Record<string, unknown>)
    .filter((each): each is [string, number] => each[0].startsWith(prefix) && typeof each[1] === 'number')
    .map(([name, value]): [string, number] => [name.slice(prefix.length), value])
    .sort(([, a], [, b]) => a - b);
}

const camel = (name: string) => name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const plain = (text: string) => text.toLowerCase().replace(/[-_]/g, '');

test('every event of a domain that the protocol has is told, or says which other one tells it', () => {
  const ids = constants('VIR_DOMAIN_EVENT_ID_').map(([name]) => name);
  assert.ok(ids.length >= 28);
  assert.equal(Object.keys(DOMAIN_EVENT_ROWS).sort(), [...ids].sort());
  assert.equal(Object.keys(DOMAIN_EVENTS).sort(), [...ids].sort());
  const types = new Set<string>();
  for (const [name, row] of Object.entries(DOMAIN_EVENT_ROWS)) {
    if ('toldBy' in row) {
      assert.ok('type' in DOMAIN_EVENT_ROWS[row.toldBy], `${name} is told by an event that is told`);
      continue;
    }
    assert.not(types.has(row.type), `${row.type} is told by one event only`);
    types.add(row.type);
    assert.ok(plain(name).startsWith(plain(row.type)), `${row.type} is libvirt's word for ${name}`);
  }
});

test('lifecycle: every event and detail of libvirt has its word at its number', () => {
  const events = Object.keys(LIFECYCLE) as Array<keyof typeof LIFECYCLE>;
  let checked = 0;
  for (const [number, event] of events.entries()) {
    const upper = event.toUpperCase();
    assert.is((libvirt as Record<string, unknown>)[`VIR_DOMAIN_EVENT_${upper}`], number);
    for (const [name, detail] of constants(`VIR_DOMAIN_EVENT_${upper}_`)) {
      assert.equal(lifecycleChange(number, detail), { event, detail: camel(name) });
      checked++;
    }
  }
  assert.is(checked, Object.values(LIFECYCLE).flat().length);
  assert.equal(lifecycleChange(0, 99), { event: 'defined', detail: 'unknown' });
  assert.equal(lifecycleChange(99, 0), { event: 'unknown', detail: 'unknown' });
});

test('every other number that an event holds has its word', () => {
  const prefixes: Record<keyof typeof WORDS, string> = {
    WATCHDOG: 'VIR_DOMAIN_EVENT_WATCHDOG_',
    IO_ERROR: 'VIR_DOMAIN_EVENT_IO_ERROR_',
    GRAPHICS: 'VIR_DOMAIN_EVENT_GRAPHICS_',
    GRAPHICS_ADDRESS: 'VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_',
    BLOCK_JOB_TYPE: 'VIR_DOMAIN_BLOCK_JOB_TYPE_',
    BLOCK_JOB: 'VIR_DOMAIN_BLOCK_JOB_',
    DISK: 'VIR_DOMAIN_EVENT_DISK_',
    TRAY_CHANGE: 'VIR_DOMAIN_EVENT_TRAY_CHANGE_',
    AGENT_LIFECYCLE_STATE: 'VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_',
    AGENT_LIFECYCLE_REASON: 'VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_',
    METADATA: 'VIR_DOMAIN_METADATA_',
    MEMORY_FAILURE_RECIPIENT: 'VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_',
    MEMORY_FAILURE_ACTION: 'VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_',
  };
  for (const [list, prefix] of Object.entries(prefixes) as Array<[keyof typeof WORDS, string]>) {
    const told = constants(prefix).filter(([name]) => !/^(ADDRESS|TYPE|ABORT|INFO|SPEED)_/.test(name));
    assert.ok(told.length > 0, list);
    for (const [name, value] of told) assert.is(plain(word(list, value)), plain(name), `${prefix}${name}`);
    assert.is(WORDS[list].length, Math.max(...told.map(([, value]) => value)) + 1, `${list} has no word too many`);
    assert.is(word(list, 99), 'unknown');
  }
});

test('what an event holds comes out by name, in bytes', () => {
  const known = {
    device: (alias: string) => ({ alias, id: undefined, identity: `disk ${alias}` }),
    target: () => 'vdb',
  };
  const read = (name: DomainEventName, message: object): object => {
    const row = DOMAIN_EVENT_ROWS[name];
    assert.ok('read' in row);
    return row.read(message as never, known);
  };
  const io = { srcPath: '/img', devAlias: 'ua-data', action: 1, reason: 'enospc' };
  const device = known.device('ua-data');
  const error = { device, target: 'vdb', path: '/img', action: 'pause' };
  assert.equal(read('IO_ERROR_REASON', io), { ...error, reason: 'enospc' });
  assert.equal(read('IO_ERROR_REASON', { ...io, reason: '' }), { ...error, reason: undefined });
  assert.equal(read('BALLOON_CHANGE', { actual: 2n }), { actual: 2048n });
  assert.equal(read('MEMORY_DEVICE_SIZE_CHANGE', { alias: 'ua-data', size: 1n }), { device, size: 1024n });
  assert.equal(read('MEMORY_FAILURE', { recipient: 1, action: 2, flags: 3 }), {
    recipient: 'guest',
    action: 'fatal',
    flags: ['actionRequired', 'recursive'],
  });
  assert.equal(read('DISK_CHANGE', { oldSrcPath: '/a', newSrcPath: null, devAlias: 'ua-data', reason: 1 }), {
    device,
    oldPath: '/a',
    newPath: undefined,
    reason: 'dropMissingOnStart',
  });
  assert.equal(read('JOB_COMPLETED', { params: [{ field: 'a', value: { type: 'ullong', value: 1n } }] }), {
    params: { a: 1n },
  });
  assert.equal(read('METADATA_CHANGE', { type: 2, nsuri: 'urn:x' }), { part: 'element', uri: 'urn:x' });
  const end = { family: 0, node: '127.0.0.1', service: '5900' };
  assert.equal(
    read('GRAPHICS', { phase: 2, local: end, remote: { ...end, family: 2 }, authScheme: 'vnc', subject: [] }),
    {
      phase: 'disconnect',
      local: { ...end, family: 'ipv4' },
      remote: { ...end, family: 'unix' },
      authScheme: 'vnc',
      subject: [],
    },
  );
});

test.run();
