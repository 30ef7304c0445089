/** Heartbeats in a shared file, and the fence that proves by them that a host has reset itself; and all that proves nothing. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertProof, type HeartbeatOptions, heartbeat, storageLease } from '../../src/fleet/index.js';
import { failure, scaled, within } from '../support/deadline.js';

const MINUTE = 60_000;
const EVERY = scaled(100);
const DOG = scaled(1_000);
const folder = mkdtempSync(join(tmpdir(), 'lvc-lease-'));
const script = fileURLToPath(new URL('heartbeat-child.js', import.meta.url));
const children: ChildProcess[] = [];
test.after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

let made = 0;
function file(bytes = 1 << 20): string {
  const path = join(folder, `lease-${++made}`);
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
}

/** A heartbeat in a process of its own, which has beaten `beats` times. */
async function host(options: HeartbeatOptions, beats = 3): Promise<ChildProcess> {
  // So that a write that the file may not have fails, and does not end it.
  const command = 'trap "" XFSZ; exec "$0" "$@"';
  const child = spawn('sh', ['-c', command, process.execPath, script, JSON.stringify({ every: EVERY, ...options })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await within(says(child, new RegExp(`beat ${beats}\n`)), MINUTE, 'the heartbeat');
  return child;
}

function says(child: ChildProcess, what: RegExp): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (part) => {
      said += part;
      if (what.test(said)) resolve();
    });
    child.once('close', () => reject(new Error(`it ended and had said ${said}`)));
  });
}

/** Another host of the same file, in this process. */
function witness(path: string, slot = 1, name = 'b') {
  const ended = new AbortController();
  const done = heartbeat({ file: path, host: name, slot, every: EVERY, signal: ended.signal });
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await done;
    },
  };
}

/** A watchdog as the kernel has it: what is written into it is a feed, `V` disarms it, and it bites when it is not fed in time. */
async function watchdog(bites: () => void) {
  const device = join(folder, `watchdog-${++made}`);
  execFileSync('mkfifo', [device]);
  const pipe = await open(device, constants.O_RDWR | constants.O_NONBLOCK);
  let fed: number | undefined;
  let bitten: number | undefined;
  let disarmed = false;
  const looking = setInterval(async () => {
    const { bytesRead, buffer } = await pipe
      .read(Buffer.alloc(4096), 0, 4096)
      .catch(() => ({ bytesRead: 0, buffer: Buffer.alloc(0) }));
    if (bytesRead > 0) fed = performance.now();
    if (buffer.subarray(0, bytesRead).includes('V')) disarmed = true;
    if (fed === undefined || disarmed || bitten !== undefined || performance.now() - fed < DOG) return;
    bitten = performance.now();
    bites();
  }, 10);
  return {
    device,
    get bitten() {
      return bitten;
    },
    get disarmed() {
      return disarmed;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(looking);
      await sleep(50);
      await pipe.close();
    },
  };
}

const fence = (path: string, more: object = {}) =>
  storageLease({ file: path, host: 'a', timeout: DOG, interval: EVERY, ...more });

for (const [what, cut] of [
  ['is killed', (child: ChildProcess) => child.kill('SIGKILL')],
  ['hangs', (child: ChildProcess) => child.kill('SIGSTOP')],
  ['cannot write', (child: ChildProcess) => execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=0'])],
] as const)
  test(`a host whose heartbeat ${what} is reset by its watchdog, and the proof comes after that`, async () => {
    const path = file();
    const guest = spawn('sleep', ['1000'], { stdio: 'ignore' });
    children.push(guest);
    const gone = once(guest, 'exit').then(() => performance.now());
    await using dog = await watchdog(() => guest.kill('SIGKILL'));
    const child = await host({ file: path, host: 'a', watchdog: { device: dog.device, timeout: DOG } });
    await using _ = witness(path);
    const early = await failure(fence(path).prove('a'), 'FENCE_UNPROVED', MINUTE);
    assert.match(early.message, /its heartbeat goes on/);
    assert.is(guest.exitCode ?? guest.signalCode, null, 'the control: fed, it does not bite');
    cut(child);
    const before = performance.now();
    // The last beat may be on its way yet.
    await sleep(2 * EVERY);
    const proof = await within(fence(path).prove('a'), MINUTE);
    const after = performance.now();
    const end = await within(gone, MINUTE, 'the guest');
    assert.ok(end < after, 'nothing of it ran any more when the proof came');
    assert.ok(after - before >= 2 * DOG + EVERY, `${after - before} ms`);
    assert.equal([proof.host, proof.way, proof.by], ['a', 'storage-lease', path]);
    assert.match(proof.says, /no heartbeat for .* while that of b went on; its watchdog resets it within/);
    assert.is(Date.parse(proof.validUntil) - Date.parse(proof.at), 120_000);
    assertProof(proof, 'a');
    child.kill('SIGKILL');
  });

test('no proof: without a watchdog, ended on purpose, of nobody, of two, of a file that nobody else writes, or none', async () => {
  const unproved = async (path: string, says: RegExp, more: object = {}) =>
    assert.match((await failure(fence(path, more).prove('a'), 'FENCE_UNPROVED', MINUTE)).message, says);
  const path = file();
  await using _ = witness(path);
  await unproved(path, /no heartbeat of it/);
  const bare = await host({ file: path, host: 'a' });
  bare.kill('SIGKILL');
  await once(bare, 'close');
  await unproved(path, /no watchdog resets it when its heartbeat stops: its guests may run on/);

  const stopped = file();
  await using __ = witness(stopped);
  await using dog = await watchdog(() => assert.unreachable('it was disarmed'));
  const child = await host({ file: stopped, host: 'a', watchdog: { device: dog.device, timeout: DOG } });
  const ended = says(child, /ended/);
  child.kill('SIGTERM');
  await within(ended, MINUTE);
  await sleep(DOG * 1.5);
  assert.ok(dog.disarmed && dog.bitten === undefined);
  await unproved(stopped, /ended on purpose, and what it runs goes on/);

  // The same record, cut without a stop, is a proof where others beat on, and none in a copy of the file.
  const dead = await watchdog(() => {});
  const lost = file();
  const killed = await host({ file: lost, host: 'a', watchdog: { device: dead.device, timeout: DOG } });
  killed.kill('SIGKILL');
  await once(killed, 'close');
  const copy = file();
  {
    await using ___ = witness(lost);
    await sleep(2 * EVERY);
    copyFileSync(lost, copy);
    assert.is((await fence(lost).prove('a')).host, 'a');
    await unproved(copy, /no other heartbeat in .* went on meanwhile/);
  }
  await unproved(lost, /no other heartbeat/);
  await dead[Symbol.asyncDispose]();

  const slots = readFileSync(lost);
  writeFileSync(copy, Buffer.concat([slots.subarray(0, 4096), slots.subarray(0, 4096)]));
  await unproved(copy, /2 heartbeats of it/);
  // One byte other, as one that is half written.
  slots[100] = (slots[100] as number) ^ 1;
  writeFileSync(copy, slots);
  await unproved(copy, /no heartbeat of it/);
  await unproved(join(folder, 'missing'), /could not be read: ENOENT/);
  await failure(fence(path).prove('c'), 'FENCE_UNPROVED');
  await failure(fence(lost).prove('a', { signal: AbortSignal.abort() }), 'ABORTED');
});

test('heartbeat: what is wrong is refused before anything is written, and nobody takes the slot of another', async () => {
  const path = file();
  const before = readFileSync(path);
  const good: HeartbeatOptions = { file: path, host: 'a' };
  for (const wrong of [
    {},
    { ...good, host: '' },
    { ...good, slot: 256 },
    { ...good, slot: -1 },
    { ...good, every: 0 },
    { ...good, evry: 1 },
    { ...good, every: 20_000, watchdog: { device: '/dev/null', timeout: 30_000 } },
    { ...good, file: join(folder, 'missing') },
    { ...good, watchdog: { device: '/dev/null' }, every: '1' },
  ])
    await failure(heartbeat(wrong as never), 'ARGUMENT_INVALID');
  assert.ok(readFileSync(path).equals(before));
  await failure(heartbeat({ file: file(4096), host: 'a', slot: 1 }), 'ARGUMENT_INVALID');
  const device = join(folder, 'no-watchdog');
  await failure(heartbeat({ ...good, watchdog: { device, timeout: 30_000 } }), 'ARGUMENT_INVALID');
  assert.throws(() => closeSync(openSync(device, 'r')), /ENOENT/);
  await failure(heartbeat({ file: '/dev/full', host: 'a' }), 'ARGUMENT_INVALID');
  {
    await using _ = witness(path, 7, 'b');
    await sleep(2 * EVERY);
    const { message } = await failure(heartbeat({ ...good, slot: 7 }), 'ARGUMENT_INVALID');
    assert.match(message, /slot 7 of .* has the heartbeat of 'b'|slot 7 of .* has the heartbeat of "b"/);
  }
  writeFileSync(path, Buffer.alloc(8192, 'somebody’s data'));
  assert.match(
    (await failure(heartbeat(good), 'ARGUMENT_INVALID')).message,
    /slot 0 of .* has something that no heartbeat wrote/,
  );
});

test.run();
