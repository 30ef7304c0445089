/**
 * The ways that memory can go: encrypted, over several connections, compressed, by the daemons. One guest takes them all, there
 * and back; it counts on its serial port all the time, and what goes between the hosts is looked at.
 */

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MigrationError, MigrationOptions } from '../../src/index.js';
import { Authority } from '../../src/testing/index.js';
import { failure, scaled, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { Ticker } from '../support/ticker.js';
import { freeUri, type Pair, pairOnDemand, type Side, type Traveller } from './pair.js';

const started = pairOnDemand();
let authority: Authority | undefined;
let ticker: Ticker | undefined;
test.after(async () => {
  ticker?.[Symbol.dispose]();
  await started.stop();
  await authority?.[Symbol.asyncDispose]();
});
const MINUTES = 180_000;

/** Certificates for QEMU, of names that are not those of this machine. */
async function withCertificates({ host }: Side, name: string, authority: Authority): Promise<void> {
  const folder = join(host.directory, 'pki');
  mkdirSync(folder, { mode: 0o755 });
  copyFileSync(authority.cert, join(folder, 'ca-cert.pem'));
  for (const [role, issued] of [
    ['server', await authority.server({ names: [`DNS:${name}`] })],
    ['client', await authority.client()],
  ] as const)
    for (const [part, file] of Object.entries(issued)) copyFileSync(file, join(folder, `${role}-${part}.pem`));
  const config = `migrate_tls_x509_cert_dir = "${folder}"\nmigrate_tls_x509_verify = 1\n`;
  writeFileSync(join(host.directory, 'etc/libvirt/qemu.conf'), config);
  await host.restartDaemon();
}

let made: Promise<{ hosts: Pair; t: Traveller; bootId: string; ticks: Ticker }> | undefined;
function witness() {
  made ??= (async () => {
    const hosts = await started();
    const issuer = await Authority.create();
    authority = issuer;
    await Promise.all([withCertificates(hosts.a, 'one.test', issuer), withCertificates(hosts.b, 'two.test', issuer)]);
    const t = await hosts.guest('witness', { memoryMiB: 96 });
    const { bootId } = await t.here.report();
    ticker = await Ticker.start([t.here, t.there]);
    return { hosts, t, bootId, ticks: ticker };
  })();
  return made;
}
let at: 'a' | 'b' = 'a';

/** What went over one connection: how it began, and how much. */
interface Line {
  first: string;
  bytes: number;
}

/** Listens where memory is sent to, and hands it on to QEMU, which listens at another address of this machine. */
async function watchedWay(): Promise<{ options: MigrationOptions; lines: Line[]; close: () => Promise<unknown> }> {
  const uri = await freeUri();
  const port = Number(new URL(uri).port);
  const lines: Line[] = [];
  const serve = (source: Socket) => {
    const line: Line = { first: '', bytes: 0 };
    lines.push(line);
    const qemu = dial(port, '127.0.0.2');
    source.on('data', (chunk) => {
      if (line.first === '') line.first = chunk.subarray(0, 4).toString('latin1');
      line.bytes += chunk.length;
    });
    for (const each of [source, qemu]) each.on('error', () => each.destroy());
    source.pipe(qemu).pipe(source);
  };
  const server: Server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    options: { uri, listenAddress: '127.0.0.2' },
    lines,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** To the other host, that way; the guest has not booted, has lost no tick, and was silent for no longer than the pause. */
async function travels(
  more: MigrationOptions | ((to: Side) => MigrationOptions),
  watched = true,
): Promise<readonly Line[]> {
  const { hosts, t, bootId, ticks } = await witness();
  const [from, to, there] = at === 'a' ? [hosts.a, hosts.b, t.there] : [hosts.b, hosts.a, t.here];
  const { paths = {} } = at === 'a' ? t.options : t.back;
  const way = watched ? await watchedWay() : undefined;
  const options = { paths, ...way?.options, ...(typeof more === 'function' ? more(to) : more) };
  const since = ticks.last;
  const domain = await from.manager.get(t.uuid);
  const { downtime = Number.NaN, unfinished } = await within(
    domain.migrate(to.manager, options).done,
    MINUTES,
    'the migration',
  );
  await way?.close();
  assert.equal(unfinished, []);
  at = at === 'a' ? 'b' : 'a';
  const arrived = ticks.last;
  await eventually('it counts on', () => ticks.last > arrived + 5);
  assert.is((await there.report()).bootId, bootId, 'it has not booted');
  assert.equal(ticks.outOfTurn, [], 'it has lost no tick');
  // What the host's other work adds to a pause is no pause of the guest.
  const silence = ticks.longestSilence(since);
  assert.ok(silence <= downtime + scaled(500), `silent for ${silence} ms, paused for ${downtime} ms`);
  return way?.lines ?? [];
}

const QEMU_FILE = 'QEVM';
const TLS_HANDSHAKE = '\x16\x03';

test('migrate: without encryption memory can be read on its way', async () => {
  const [line, ...others] = await travels({});
  assert.is(line?.first, QEMU_FILE);
  assert.equal(others, []);
});

test('migrate: tls: memory is encrypted, and the destination has to have the certificate of that name', async () => {
  const { hosts, t } = await witness();
  const way = await watchedWay();
  const wrong = { ...t.back, ...way.options, tls: { destination: 'two.test' } };
  const { done } = (await hosts.b.manager.get(t.uuid)).migrate(hosts.a.manager, wrong);
  const error = await failure<MigrationError>(done, 'MIGRATION_FAILED', MINUTES);
  await way.close();
  assert.match(error.message, /[Cc]ertificate/);
  assert.is(error.where.outcome, 'not-migrated');
  const [line, ...others] = await travels({ tls: { destination: 'one.test' } });
  assert.is(line?.first.slice(0, 2), TLS_HANDSHAKE);
  assert.equal(others, []);
});

test('migrate: parallel: memory goes over several connections, encrypted as well', async () => {
  assert.is((await travels({ parallel: 3 })).length, 4, 'and one for all else');
  const lines = await travels({ parallel: 2, tls: { destination: 'one.test' } });
  assert.equal(
    lines.map(({ first }) => first.slice(0, 2)),
    [TLS_HANDSHAKE, TLS_HANDSHAKE, TLS_HANDSHAKE],
  );
});

test('migrate: compression: less goes over', async () => {
  const { hosts } = await witness();
  const all = (lines: readonly Line[]) => lines.reduce((sum, { bytes }) => sum + bytes, 0);
  const plain = all(await travels({}));
  // QEMU 9.1 has no threads for it any more.
  const threads = Number.parseInt(hosts.a.connection.hypervisorVersion, 10) < 9;
  const compressed = all(
    await travels({
      compression: threads
        ? { method: 'mt', level: 1, threads: 2, decompressThreads: 2 }
        : { method: 'xbzrle', cache: 64 << 20 },
    }),
  );
  if (threads) assert.ok(compressed < plain * 0.7, `${compressed} of ${plain} bytes`);
});

test('migrate peer-to-peer and tunnelled: by the daemons, tunnelled over their own connection', async () => {
  const daemons = (to: Side) => ({ via: 'peer-to-peer', destinationUri: to.host.uri }) as const;
  const [line] = await travels(daemons);
  assert.is(line?.first, QEMU_FILE);
  await travels((to) => ({ via: 'tunnelled', destinationUri: to.host.uri }), false);
});

test.run();
