#!/usr/bin/env node
/** Plain virsh as a driver of the conformance kit: what an administrator types, and what a script of theirs does. */
import { serveDriver } from '../serve.js';
import { deviceXml } from './device-xml.js';
import { Virsh } from './virsh-tool.js';

const virsh = new Virsh();

await serveDriver({
  hello: async (folder) => {
    virsh.folder = folder;
    const capabilities = ['update', 'next-boot', 'guest-reboot', 'migrate'] as const;
    return { name: 'virsh', version: await virsh.version(), capabilities };
  },
  define: async ({ xml, ...where }) => {
    await virsh.define(where, xml);
    return {};
  },
  start: (where) => virsh.start(where),
  attach: async ({ device, when, ...where }) => {
    const flags = when === 'both' ? ['--live', '--config'] : ['--config'];
    await virsh.call(where, 'attach-device', where.name, virsh.file(deviceXml(device)), ...flags);
    return {};
  },
  detach: async ({ device, ...where }) => {
    await virsh.call(where, 'detach-device', where.name, virsh.file(deviceXml(device)), '--live', '--config');
    return {};
  },
  update: async ({ device, set, ...where }) => {
    const mac = 'interface' in device ? device.interface.mac : '';
    await virsh.call(where, 'domif-setlink', where.name, mac, set.link);
    await virsh.call(where, 'domif-setlink', where.name, mac, set.link, '--config');
    return {};
  },
  reboot: (request) => virsh.reboot(request),
  migrate: (request) => virsh.migrate(request),
});
