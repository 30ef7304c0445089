#!/usr/bin/env node
/** This library as a driver of the conformance kit: planned, applied, never defined anew. */
import { existsSync, readFileSync } from 'node:fs';
import { type Connection, connect } from '../../connection/index.js';
import { type ChangeRequest, DomainManager, type ManagedDomain } from '../../index.js';
import type { Done, KitDevice, Where } from '../protocol.js';
import { RefusedRequest, serveDriver } from '../serve.js';

const connections = new Map<string, Promise<Connection>>();

async function managerOf(host: string): Promise<DomainManager> {
  let connection = connections.get(host);
  if (!connection) {
    connection = connect(host);
    connections.set(host, connection);
  }
  return new DomainManager(await connection);
}

async function domainOf({ host, name }: Where): Promise<ManagedDomain> {
  const domain = await (await managerOf(host)).get(name);
  // What a process that died has left is completed first.
  if (domain.interrupted) await domain.recover({ mode: 'complete', owner: 'gone' });
  return domain;
}

/** A change by plan and apply. Done already is done: the plan is empty. */
async function change(where: Where, request: ChangeRequest): Promise<Done> {
  const domain = await domainOf(where);
  const plan = await domain.plan(request);
  const [refusal] = plan.refusals;
  if (refusal) throw new RefusedRequest(`${refusal.subject}: ${refusal.reason}`);
  await domain.apply(plan);
  const place = plan.operations.map(({ address }) => /^pci (.*)$/.exec(address ?? '')?.[1]).find(Boolean);
  return request.attach && place !== undefined ? { place } : {};
}

function attached(device: KitDevice): NonNullable<ChangeRequest['attach']>[number] {
  return 'disk' in device
    ? { disk: device.disk }
    : { interface: { id: device.interface.id, mac: device.interface.mac, user: true } };
}

const selected = (device: KitDevice) =>
  'disk' in device ? { disk: device.disk.target } : { interface: device.interface.mac };

/** Of the package that this file is in, however deep. */
function version(at = new URL('.', import.meta.url)): string {
  const file = new URL('package.json', at);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : version(new URL('..', at));
}

await serveDriver({
  hello: () => ({
    name: 'libvirt-canonical',
    version: version(),
    capabilities: ['update', 'next-boot', 'guest-reboot', 'migrate'],
  }),
  define: async ({ host, xml }) => {
    await (await managerOf(host)).define(xml);
    return {};
  },
  start: async (where) => {
    await (await domainOf(where)).start();
    return {};
  },
  attach: ({ device, when, ...where }) =>
    change(where, { attach: [attached(device)], scope: when === 'both' ? 'persistent' : 'config' }),
  detach: ({ device, ...where }) => change(where, { detach: [selected(device)] }),
  update: ({ device, set, ...where }) => change(where, { update: [{ ...selected(device), set } as never] }),
  reboot: async ({ mode, ...where }) => {
    await (await domainOf(where)).reboot({ mode });
    return {};
  },
  migrate: async ({ to, uri, paths, ...where }) => {
    const there = (await managerOf(to)).connection;
    const { unfinished } = await (await domainOf(where)).migrate(there, { uri, paths }).done;
    if (unfinished.length > 0) throw new Error(unfinished.join('; '));
    return {};
  },
  close: async () => {
    for (const connection of connections.values()) await (await connection).close();
  },
});
