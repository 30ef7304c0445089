import { randomUUID } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fleet } from '../../src/fleet/index.js';
import { failure, scaled, within } from '../support/deadline.js';
import { trioOnDemand } from './trio.js';

const trio = trioOnDemand();
test.after(trio.stop);

const NOBODY = 'qemu+unix:///session?socket=/nonexistent/libvirt-sock';

test('open: what is written wrongly is refused by its path, and the nearest name is told', async () => {
  for (const [options, says] of [
    [{}, /hosts is missing/],
    [{ hosts: {} }, /hosts there is none/],
    [{ hosts: { a: 3 } }, /hosts\.a.*must be an object/],
    [{ hosts: { a: { uri: NOBODY, label: {} } } }, /Did you mean labels/],
    [{ hosts: { a: { uri: NOBODY, labels: { rack: 1 } } } }, /hosts\.a\.labels\.rack must be a text/],
    [{ hosts: { a: { uri: NOBODY, connect: { callTimeuot: 1 } } } }, /Did you mean callTimeout/],
    [{ hosts: { a: NOBODY }, timeout: 0 }, /timeout must be/],
  ] as const) {
    const { message } = await failure(Fleet.open(options as never), 'ARGUMENT_INVALID');
    assert.match(message, says);
  }
  await failure(Fleet.open({ hosts: { a: 'not a uri' } }), 'URI_INVALID');
});

test('hosts: what each has and what is free of it; one that cannot be reached is told, and keeps nobody waiting for good', async () => {
  const { uris, hosts: real } = await trio();
  await using fleet = await Fleet.open({
    hosts: { a: uris.a, b: { uri: uris.b, labels: { rack: '2' } }, gone: NOBODY, again: uris.a },
    timeout: scaled(10_000),
  });
  assert.equal(fleet.names, ['a', 'b', 'gone', 'again']);
  assert.equal(fleet.labels('b'), { rack: '2' });
  const { message } = await failure(() => fleet.labels('gnoe'), 'ARGUMENT_INVALID');
  assert.match(message, /Did you mean gone\?/);
  const [a, b, gone, again] = await fleet.hosts();
  if (a?.is !== 'there' || b?.is !== 'there' || again?.is !== 'there') throw new Error('a and b are there');
  assert.is(a.info.uuid, real.a.hostUuid);
  assert.is(b.info.uuid, real.b.hostUuid);
  assert.equal([a.labels, b.labels], [{}, { rack: '2' }]);
  const { total, available } = b.info.memory;
  assert.ok(available !== undefined && available > 0n && available <= total, `${available} of ${total}`);
  assert.is(
    b.info.numa.reduce((sum, { cpus }) => sum + cpus.length, 0),
    b.info.cpu.count,
  );
  for (const { free, pages } of b.info.numa) {
    assert.ok(free !== undefined && free > 0n);
    for (const { free, count } of pages) assert.ok(free !== undefined && free <= count);
  }
  assert.equal([a.sameAs, b.sameAs, again.sameAs], [undefined, undefined, 'a'], 'one machine by two names');
  assert.ok(gone?.is === 'silent' && gone.why.includes('/nonexistent'), 'it is listed with the reason');
  await failure(fleet.manager('gone'), 'DAEMON_UNREACHABLE');
});

test('where: running, off and absent, by UUID and by name; a domain that has another name elsewhere is found by it', async () => {
  const { uris, domain, clear } = await trio();
  await clear();
  await using fleet = await Fleet.open({ hosts: uris, timeout: scaled(10_000) });
  const web = await domain('b', { name: 'web' });
  const where = await fleet.where(web.uuid.toUpperCase().replaceAll('-', ''));
  assert.equal([where.outcome, where.certain, where.absent], ['running', true, ['a', 'c']]);
  const [found, ...others] = where.found;
  assert.is(others.length, 0);
  assert.equal([found?.host, found?.name, found?.uuid, found?.state], ['b', 'web', web.uuid, 'paused']);
  await web.destroy();
  assert.is((await fleet.where('web')).outcome, 'off');
  assert.is((await fleet.where('nobody')).outcome, 'absent');
  assert.is((await fleet.where(randomUUID())).outcome, 'absent');

  await domain('c', { name: 'renamed', uuid: web.uuid }, 'off');
  const twice = await fleet.where('web');
  assert.is(twice.outcome, 'defined-twice');
  assert.match(twice.meaning, /on b.*on c as renamed.*undefine the one that is left over/);
});

test('where: a domain that runs twice, one name of two domains', async () => {
  const { uris, domain, clear } = await trio();
  await clear();
  await using fleet = await Fleet.open({ hosts: uris, timeout: scaled(10_000) });
  const web = await domain('a', { name: 'web' });
  const other = await domain('c', { name: 'web', uuid: web.uuid });
  const { outcome, meaning } = await fleet.where('web');
  assert.is(outcome, 'running-twice');
  assert.match(meaning, /on a, .* on c: two of one domain destroy its disks/);
  await other.destroy();
  assert.is((await fleet.where('web')).outcome, 'defined-twice', 'one of them is off');
  await other.undefine();
  await domain('c', { name: 'web' }, 'off');
  assert.is((await fleet.where('web')).outcome, 'ambiguous');
  assert.is((await fleet.where(web.uuid)).outcome, 'running', 'by UUID it is one');
});

test('where: the other end of a migration under way is told from a second one', async () => {
  const { uris, domain, clear, rival } = await trio();
  await clear();
  await using fleet = await Fleet.open({ hosts: uris, timeout: scaled(10_000) });
  const web = await domain('a', { name: 'web' });
  await using source = await rival('a');
  await using destination = await rival('b');
  const dom = { name: web.name, uuid: web.uuid, id: -1 };
  const begun = await source.call('DOMAIN_MIGRATE_BEGIN3_PARAMS', { dom, params: [], flags: 1 | 256 });
  const { xml, cookie_out } = begun;
  const params = [{ field: 'destination_xml', value: { type: 'string', value: xml } }] as const;
  await destination.call('DOMAIN_MIGRATE_PREPARE3_PARAMS', { params, cookie_in: cookie_out, flags: 1 });
  const { outcome, meaning } = await fleet.where(web.uuid);
  assert.is(outcome, 'migrating', meaning);
  const named = [{ field: 'destination_name', value: { type: 'string', value: 'web' } }] as const;
  const finish = { params: named, cookie_in: new Uint8Array(), flags: 1, cancelled: 1 };
  await destination.call('DOMAIN_MIGRATE_FINISH3_PARAMS', finish).catch(() => {});
  await source.call('DOMAIN_MIGRATE_CONFIRM3_PARAMS', {
    dom,
    params: [],
    cookie_in: new Uint8Array(),
    flags: 1 | 256,
    cancelled: 1,
  });
  assert.is((await fleet.where(web.uuid)).outcome, 'running');
});

test('where: a host that hangs, one that is gone and comes back; the caller gives up; a closed fleet', async () => {
  const { uris, hosts, domain, clear } = await trio();
  await clear();
  const web = await domain('a', { name: 'web' });
  // Short for the one that hangs, long enough for those that answer.
  await using fleet = await Fleet.open({ hosts: uris, timeout: scaled(2_000) });
  process.kill(hosts.c.pid as number, 'SIGSTOP');
  try {
    const where = await within(fleet.where('web'), 20_000);
    assert.equal([where.outcome, where.certain], ['running', false]);
    assert.match(where.meaning, /c did not answer \(no answer within \d+ ms\): it may run there too/);
    const silence = await failure(fleet.where(web.uuid, { signal: AbortSignal.abort('enough') }), 'ABORTED');
    assert.is(silence.cause, 'enough');
  } finally {
    process.kill(hosts.c.pid as number, 'SIGCONT');
  }
  await hosts.a.killDaemon();
  const nowhere = await within(fleet.where(web.uuid), 20_000);
  assert.equal([nowhere.outcome, nowhere.certain, nowhere.silent[0]?.host], ['absent', false, 'a']);
  assert.match(nowhere.meaning, /on no host that answered; a did not answer .*: it may run there$/);
  await hosts.a.startDaemon();
  assert.is((await within(fleet.where(web.uuid), 20_000)).outcome, 'running', 'asked again when it is back');
  await fleet.close();
  await failure(fleet.where(web.uuid), 'CONNECTION_CLOSED');
});

test.run();
