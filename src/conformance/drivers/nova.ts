#!/usr/bin/env node
/**
 * A manager in the manner of OpenStack Nova as a driver of the conformance kit: it keeps a record of what was asked for, plugs
 * devices in by libvirt's own calls, and at each cold or hard reboot throws libvirt's document away and defines one that it
 * generates from the record.
 */
import { serveDriver } from '../serve.js';
import { deviceXml } from './device-xml.js';
import { generated, Records, withDevice, withoutDevice } from './generated.js';
import { Virsh } from './virsh-tool.js';

const virsh = new Virsh();
let records: Records;

await serveDriver({
  hello: (folder) => {
    virsh.folder = folder;
    records = new Records(folder);
    return { name: 'Nova-like', capabilities: ['guest-reboot'] };
  },
  define: async ({ domain, ...where }) => {
    records.write(domain);
    await virsh.define(where, generated(domain, { uuid: true }));
    return {};
  },
  start: (where) => virsh.start(where),
  attach: async ({ device, when: _, ...where }) => {
    await virsh.call(where, 'attach-device', where.name, virsh.file(deviceXml(device)), '--live', '--config');
    records.write(withDevice(records.read(where.name), device));
    return {};
  },
  detach: async ({ device, ...where }) => {
    await virsh.call(where, 'detach-device', where.name, virsh.file(deviceXml(device)), '--live', '--config');
    records.write(withoutDevice(records.read(where.name), device));
    return {};
  },
  reboot: async ({ mode, ...where }) => {
    if (mode === 'guest') return virsh.reboot({ mode, ...where });
    await virsh.stop(where, mode);
    await virsh.undefine(where);
    await virsh.define(where, generated(records.read(where.name), { uuid: true }));
    return virsh.start(where);
  },
});
