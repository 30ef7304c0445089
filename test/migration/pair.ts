/** Two private hosts with a connection and a manager each, and guests that can be reached on both. */
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { type Connection, connect, DomainManager, type ManagedDomain, type MigrationOptions } from '../../src/index.js';
import { type Guest, type GuestDomainOptions, PrivateHost, type PrivateHostOptions } from '../../src/testing/index.js';

export interface Side {
  readonly host: PrivateHost;
  readonly connection: Connection;
  readonly manager: DomainManager;
}

/** A guest that runs on the first host, and what it says of itself on either. */
export interface Traveller {
  readonly name: string;
  readonly uuid: string;
  readonly domain: ManagedDomain;
  readonly here: Guest;
  readonly there: Guest;
  /** Options that every migration of it between these hosts needs. */
  readonly options: MigrationOptions;
  /** The same for the way back. */
  readonly back: MigrationOptions;
}

/** What kind of guest it is. */
export interface TravellerOptions extends GuestDomainOptions {
  /** Started, and waited for until it is up unless `wait` is false. Default true. */
  readonly start?: boolean;
  readonly wait?: boolean;
  /** Disks in the folder of images of the first host, which the second one reaches too. Default 1. */
  readonly shared?: number;
  readonly xml?: (text: string) => string;
}

export interface Pair {
  readonly a: Side;
  readonly b: Side;
  /** Defines a guest on the first host; starts it and waits until it is up unless told otherwise. */
  guest(name: string, options?: TravellerOptions): Promise<Traveller>;
}

async function side(options: PrivateHostOptions): Promise<Side> {
  const host = await PrivateHost.start(options);
  const connection = await connect(host.uri);
  return { host, connection, manager: new DomainManager(connection) };
}

/** One pair for a test file, started by the first test that asks for it. Hand `stop` to `test.after`. */
export function pairOnDemand(
  options: readonly [PrivateHostOptions, PrivateHostOptions] = [{}, {}],
): (() => Promise<Pair>) & { stop(): Promise<void> } {
  let pair: Promise<Pair> | undefined;
  const open = async (): Promise<Pair> => {
    const [a, b] = await Promise.all([side(options[0]), side(options[1])]);
    return { a, b, guest: (name, more) => traveller(a, b, name, more) };
  };
  return Object.assign(() => (pair ??= open()), {
    stop: async () => {
      const opened = await pair?.catch(() => undefined);
      for (const each of opened ? [opened.a, opened.b] : []) {
        await each.connection.close();
        await each.host.stop();
      }
    },
  });
}

async function traveller(
  a: Side,
  b: Side,
  name: string,
  { start = true, wait = true, shared = 1, xml = (text) => text, ...more }: TravellerOptions = {},
): Promise<Traveller> {
  const here = await a.host.guest({ name });
  const there = await b.host.guest({ name });
  const disks =
    more.disks ??
    (await Promise.all(
      Array.from({ length: shared }, async (_, at) => ({
        file: await a.host.createDisk(`${name}-${at}.qcow2`, { size: '8 MiB' }),
        target: `vd${'abc'[at]}`,
      })),
    ));
  const text = here.domainXml({
    memoryMiB: 96,
    rootPorts: 4,
    interfaces: [{ mac: '52:54:00:00:00:01' }],
    ...more,
    disks,
  });
  const domain = await a.manager.define(xml(text));
  if (start) {
    await domain.start();
    if (wait) await here.waitForReport();
  }
  const paths = (from: Side, to: Side) => ({ [`${from.host.directory}/guests`]: `${to.host.directory}/guests` });
  const uri = await freeUri();
  return {
    name,
    uuid: domain.uuid,
    domain,
    here,
    there,
    options: { uri, paths: paths(a, b) },
    back: { uri: await freeUri(), paths: paths(b, a) },
  };
}

/** libvirt's own range of ports is one per daemon, and two daemons of one machine would collide in it. */
export async function freeUri(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `tcp://127.0.0.1:${port}`;
}

/** A migration by somebody who does not know better: bare calls over connections that may define. */
export async function plantedMigration(
  a: Side,
  b: Side,
  t: Traveller,
  how: 'live document as persistent',
): Promise<void> {
  assert.is(how, 'live document as persistent');
  const source = await connect(a.host.uri, { redefine: 'allow', callTimeout: 0 });
  const destination = await connect(b.host.uri, { redefine: 'allow', callTimeout: 0 });
  try {
    const dom = { name: t.name, uuid: t.uuid, id: -1 };
    const flags = 1 | 8 | 16 | 512;
    const { xml: live } = await source.call('DOMAIN_GET_XML_DESC', { dom, flags: 1 | 8 });
    const moved = live.replaceAll(`${a.host.directory}/guests/`, `${b.host.directory}/guests/`);
    const text = (field: string, value: string) => ({ field, value: { type: 'string', value } as const });
    const params = [
      text('migrate_uri', String(t.options.uri)),
      text('destination_xml', moved),
      text('persistent_xml', moved),
    ];
    const begin = await source.call('DOMAIN_MIGRATE_BEGIN3_PARAMS', { dom, params, flags: flags | 256 });
    const prepare = await destination.call('DOMAIN_MIGRATE_PREPARE3_PARAMS', {
      params,
      cookie_in: begin.cookie_out,
      flags,
    });
    const perform = await source.call('DOMAIN_MIGRATE_PERFORM3_PARAMS', {
      dom,
      params,
      cookie_in: prepare.cookie_out,
      flags: flags | 256,
    });
    const named = [...params, text('destination_name', t.name)];
    const finish = await destination.call('DOMAIN_MIGRATE_FINISH3_PARAMS', {
      params: named,
      cookie_in: perform.cookie_out,
      flags,
      cancelled: 0,
    });
    await source.call('DOMAIN_MIGRATE_CONFIRM3_PARAMS', {
      dom,
      params,
      cookie_in: finish.cookie_out,
      flags: flags | 256,
      cancelled: 0,
    });
  } finally {
    await source.close();
    await destination.close();
  }
}
