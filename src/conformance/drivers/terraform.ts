#!/usr/bin/env node
import type { Where } from '../protocol.js';
/**
 * A tool in the manner of Terraform's libvirt provider as a driver of the conformance kit: it keeps the desired state, and every
 * change of it replaces the domain, which is destroyed, undefined, and defined and started anew.
 */
import { serveDriver } from '../serve.js';
import { type Domain, generated, Records, withDevice, withoutDevice } from './generated.js';
import { Virsh } from './virsh-tool.js';

const virsh = new Virsh();
let records: Records;

/** Destroy and create. The new domain has a UUID of its own, as the provider gives none. */
async function replace(where: Where, domain: Domain): Promise<undefined> {
  records.write(domain);
  await virsh.undefine(where);
  await virsh.define(where, generated(domain, { uuid: false }));
  return virsh.start(where);
}

await serveDriver({
  hello: (folder) => {
    virsh.folder = folder;
    records = new Records(folder);
    return { name: 'Terraform-like', capabilities: ['update', 'guest-reboot'] };
  },
  define: async ({ domain, ...where }) => {
    records.write(domain);
    await virsh.define(where, generated(domain, { uuid: false }));
    return {};
  },
  start: (where) => virsh.start(where),
  attach: ({ device, when: _, ...where }) => replace(where, withDevice(records.read(where.name), device)),
  detach: ({ device, ...where }) => replace(where, withoutDevice(records.read(where.name), device)),
  update: ({ device, set, ...where }) => {
    const domain = records.read(where.name);
    const links = 'interface' in device ? { ...domain.links, [device.interface.mac]: set.link } : {};
    return replace(where, { ...domain, links });
  },
  reboot: (request) => virsh.reboot(request),
});
