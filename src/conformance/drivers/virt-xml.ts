#!/usr/bin/env node
/** virt-xml as a driver of the conformance kit. Everything that it does not do, such as a start, virsh does. */
import type { KitDevice, Where } from '../protocol.js';
import { serveDriver } from '../serve.js';
import { printed } from './printed.js';
import { Virsh } from './virsh-tool.js';

const virsh = new Virsh();

const virtXml = ({ host, name }: Where, ...args: readonly string[]) =>
  printed('virt-xml', '--connect', host, name, ...args);

/** A device in the words of virt-xml's options. */
function added(device: KitDevice): string[] {
  if ('interface' in device) return ['--network', `type=user,mac.address=${device.interface.mac},model.type=virtio`];
  const { file, format, target, serial } = device.disk;
  const fields = { path: file, 'driver.type': format, 'target.dev': target, 'target.bus': 'virtio', serial };
  return [
    '--disk',
    Object.entries(fields)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  ];
}

const found = (device: KitDevice): string[] =>
  'disk' in device
    ? ['--disk', `target.dev=${device.disk.target}`]
    : ['--network', `mac.address=${device.interface.mac}`];

await serveDriver({
  hello: async (folder) => {
    virsh.folder = folder;
    const version = (await printed('virt-xml', '--version')).trim();
    return { name: 'virt-xml', version, capabilities: ['update', 'next-boot', 'guest-reboot'] };
  },
  define: async ({ xml, ...where }) => {
    await virsh.define(where, xml);
    return {};
  },
  start: (where) => virsh.start(where),
  attach: async ({ device, when, ...where }) => {
    await virtXml(where, '--add-device', ...added(device), ...(when === 'both' ? ['--update'] : []));
    return {};
  },
  detach: async ({ device, ...where }) => {
    await virtXml(where, '--remove-device', ...found(device), '--update');
    return {};
  },
  update: async ({ device, set, ...where }) => {
    const mac = 'interface' in device ? device.interface.mac : '';
    await virtXml(where, '--edit', `mac.address=${mac}`, '--network', `link.state=${set.link}`, '--update');
    return {};
  },
  reboot: (request) => virsh.reboot(request),
});
