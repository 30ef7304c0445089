import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { PrivateHost } from 'libvirt-canonical/testing';
import { FrameReader } from '../src/connection/wire/framing.js';
import { MessageType, readMessage } from '../src/connection/wire/message.js';
import { timed } from './statistics.js';

/** Milliseconds that one virsh process takes for these commands on its standard input, from its start to its end. */
export function virsh(uri: string, commands: readonly string[]): Promise<number> {
  return timed(async () => {
    const child = spawn('virsh', ['-q', '-c', uri], { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end(`${commands.join('\n')}\n`);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`virsh ended with ${code}`);
  });
}

/** Milliseconds that `times` times the command take one virsh process, what it needs to open and close left out. */
export async function virshTime(uri: string, command: string, times: number): Promise<number> {
  const once = await virsh(uri, [command]);
  return (await virsh(uri, Array(times + 1).fill(command))) - once;
}

/** How many calls virsh sends for a command, counted on a socket in between, what it sends to open and close left out. */
export async function callsPer(command: string, host: PrivateHost): Promise<number> {
  const once = await callsOf([command], host);
  return (await callsOf([command, command], host)) - once;
}

async function callsOf(commands: readonly string[], { uri, directory }: PrivateHost): Promise<number> {
  let calls = 0;
  const daemon = new URL(uri).searchParams.get('socket') ?? '';
  const path = join(directory, 'count');
  const server = createServer((client) => {
    const behind = connect(daemon);
    const reader = new FrameReader((frame) => {
      if (readMessage(frame).type === MessageType.CALL) calls += 1;
    });
    client.on('data', (chunk: Buffer) => reader.push(chunk));
    client.pipe(behind).pipe(client);
    for (const socket of [client, behind]) socket.on('error', () => {});
  });
  server.listen(path);
  await once(server, 'listening');
  try {
    await virsh(`qemu+unix:///session?socket=${path}`, commands);
  } finally {
    server.close();
  }
  return calls;
}
