import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { alive, until } from './virsh.js';

const test = suite('PrivateHost, when its process dies');
const child = fileURLToPath(new URL('./crash-child.js', import.meta.url));

interface Started {
  readonly directory: string;
  readonly pids: readonly number[];
}

/** Runs a process that starts a host and a domain; returns once it has printed what it started. */
async function startChild(ending: string): Promise<{ started: Started; kill: (signal: NodeJS.Signals) => void }> {
  const process = spawn(globalThis.process.execPath, [child, ending], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  process.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await until('the child', () => output.endsWith('\n') || process.exitCode !== null, 60_000);
  assert.match(output, /\n$/, `the child ended early with ${process.exitCode}`);
  return { started: JSON.parse(output) as Started, kill: (signal) => process.kill(signal) };
}

async function assertGone({ directory, pids }: Started): Promise<void> {
  assert.is(pids.length, 3);
  await until('the end of all processes', () => !pids.some(alive));
  await until('the end of the directory', () => !existsSync(directory));
}

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`leaves no process and no file behind after ${signal}`, async () => {
    const { started, kill } = await startChild('wait');
    assert.ok(existsSync(started.directory));
    for (const pid of started.pids) assert.ok(alive(pid), `${pid} runs`);
    kill(signal);
    await assertGone(started);
  });
}

for (const ending of ['exit', 'throw', 'return']) {
  test(`leaves no process and no file behind after ${ending} without disposal`, async () => {
    const { started } = await startChild(ending);
    await assertGone(started);
  });
}

test.run();
