import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, DomainManager } from 'libvirt-canonical';
import { Fleet } from 'libvirt-canonical/fleet';
import { PrivateHost } from 'libvirt-canonical/testing';
import { FrameReader } from '../../../src/connection/wire/framing.js';
import { MessageType, readMessage } from '../../../src/connection/wire/message.js';
import { callOf, keyOf } from './wire.js';

/** A domain as a real host had it. `live` where it ran. */
export interface RecordedDomain {
  readonly name: string;
  readonly uuid: string;
  /** Documents by the flags with which they were asked for. */
  readonly documents: Readonly<Record<number, string>>;
}

/** What a real host answered, by what it was asked; and two of its domains. */
export interface Recording {
  /** [status, payload in base64] */
  readonly answers: Readonly<Record<string, readonly [status: number, payload: string]>>;
  readonly running: RecordedDomain;
  readonly off: RecordedDomain;
  /** UUIDs of hosts that were recorded. */
  readonly hosts: readonly string[];
  /** The answer for a domain that is not there. */
  readonly absent: readonly [status: number, payload: string];
}

/** Domains as they come: a disk, two interfaces, a serial port, memory and CPUs that differ. */
const LIKE = {
  type: 'qemu',
  memory: '64 MiB',
  vcpus: 2,
  machine: 'q35',
  hotplug: { pciePorts: 4 },
  disks: [{ id: 'root', target: 'vda', file: '/nonexistent/root.qcow2', format: 'qcow2' }],
  interfaces: [
    { id: 'lan', user: true, mac: '52:54:00:00:00:01' },
    { id: 'dmz', user: true, mac: '52:54:00:00:00:02' },
  ],
} as const;

/** Flags of virDomainGetXMLDesc: SECURE, INACTIVE, MIGRATABLE, in all combinations. */
const FLAGS = [0, 1, 2, 3, 8, 9, 10, 11];

/** Asks two real hosts of two domains all that the simulation will ask, and keeps what they answer. */
export async function record(request: object): Promise<Recording> {
  await using source = await PrivateHost.start();
  await using target = await PrivateHost.start();
  const manager = new DomainManager(await connect(source.uri));
  const { disks: _, ...diskless } = LIKE;
  const running = await manager.define({ ...diskless, name: 'running' });
  await running.start({ paused: true });
  const off = await manager.define({ ...LIKE, name: 'off' });
  const answers = new Map<string, readonly [number, string]>();
  const kinds = new Map([
    [running.uuid, 'running'],
    [off.uuid, 'off'],
  ]);
  const documents = new Map<string, Record<number, string>>();
  const folder = mkdtempSync(join(tmpdir(), 'lvc-rec-'));
  const proxies = [source, target].map(({ uri }, at) => ({ uri, path: join(folder, `${at}`) }));
  const servers = await Promise.all(
    proxies.map(async ({ uri, path }) => {
      const server = createServer((client) => recorded(client, new URL(uri).searchParams.get('socket') ?? ''));
      await new Promise<void>((resolve) => server.listen(path, resolve));
      return server;
    }),
  );
  function recorded(client: Socket, path: string): void {
    const daemon = dial(path);
    const asked = new Map<number, string>();
    const toDaemon = new FrameReader((frame) => {
      const message = readMessage(frame);
      const call = callOf(message);
      const uuid = (call?.args.dom as { uuid?: string } | undefined)?.uuid;
      if (call) asked.set(message.serial, keyOf(call, kinds.get(uuid ?? '') ?? ''));
    });
    const toClient = new FrameReader((frame) => {
      const { type, serial, status, payload } = readMessage(frame);
      const key = type === MessageType.REPLY ? asked.get(serial) : undefined;
      if (key === undefined) return;
      asked.delete(serial);
      if (!answers.has(key)) answers.set(key, [status, payload.toString('base64')]);
    });
    client.on('data', (chunk) => {
      toDaemon.push(chunk);
      daemon.write(chunk);
    });
    daemon.on('data', (chunk) => {
      toClient.push(chunk);
      client.write(chunk);
    });
    for (const socket of [client, daemon])
      socket
        .on('error', () => undefined)
        .on('close', () => {
          client.destroy();
          daemon.destroy();
        });
  }
  try {
    for (const [uuid] of kinds) {
      const dom = { name: kinds.get(uuid) as string, uuid, id: -1 };
      const all: Record<number, string> = {};
      for (const flags of FLAGS)
        all[flags] = (await manager.connection.call('DOMAIN_GET_XML_DESC', { dom, flags })).xml;
      documents.set(uuid, all);
    }
    const [a, b] = proxies.map(({ uri, path }) => uri.replace(/socket=.*/, `socket=${path}`)) as [string, string];
    await using fleet = await Fleet.open({ hosts: { a, b }, timeout: 60_000 });
    const hosts = (await fleet.hosts()).map((host) => (host.is === 'there' ? host.info.uuid : ''));
    await fleet.planDrain('a', { off: 'cold' });
    await fleet.where('absent');
    await fleet.where('00000000-0000-4000-8000-000000000001');
    const change = await fleet.planApply({ request });
    for (const input of change.steps.applies) {
      await fleet.steps.apply({ ...input, operation: 'recorded' }, { request });
      await fleet.steps.apply({ ...input, operation: 'recorded' }, { request });
    }
    await running.destroy();
    const absent = [...answers].find(
      ([key]) => /^DOMAIN_LOOKUP_BY_UUID .*/.test(key) && answers.get(key)?.[0] === 1,
    )?.[1];
    if (!absent) throw new Error('no host said that a domain is not there');
    const of = (domain: { readonly uuid: string; readonly name: string }): RecordedDomain => ({
      name: domain.name,
      uuid: domain.uuid,
      documents: documents.get(domain.uuid) ?? {},
    });
    return { answers: Object.fromEntries(answers), running: of(running), off: of(off), hosts, absent };
  } finally {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
    await manager.connection.close();
  }
}
