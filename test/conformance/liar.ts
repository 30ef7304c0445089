/**
 * A driver that lies: what it says it did it has not done, or has done otherwise. Each lie is one that the kit has to catch. With
 * the argument `dies` it ends at each attach instead.
 */
import { RefusedRequest, serveDriver } from '../../src/conformance/index.js';
import { connect } from '../../src/index.js';

const INACTIVE = 2 | 1;
let attaches = 0;
let reboots = 0;

async function onHost<T>(host: string, name: string, work: (on: Awaited<ReturnType<typeof handle>>) => Promise<T>) {
  const on = await handle(host, name);
  try {
    return await work(on);
  } finally {
    await on.connection.close();
  }
}

async function handle(host: string, name: string) {
  const connection = await connect(host, { redefine: 'allow' });
  return { connection, dom: (await connection.call('DOMAIN_LOOKUP_BY_NAME', { name })).dom };
}

await serveDriver({
  hello: () => ({ name: 'liar', capabilities: [] }),
  define: async ({ host, xml }) => {
    const connection = await connect(host, { redefine: 'allow' });
    await connection.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
    await connection.close();
    return {};
  },
  start: ({ host, name }) =>
    onHost(host, name, async ({ connection, dom }) => {
      await connection.call('DOMAIN_CREATE', { dom });
      return {};
    }),
  attach: ({ host, name, device }) =>
    onHost(host, name, async ({ connection, dom }) => {
      attaches++;
      if (process.argv[2] === 'dies') process.exit(9);
      // Done, and nothing is done.
      if (attaches === 1) return {};
      if (!('disk' in device)) throw new Error('disks alone');
      const { file, target, serial } = device.disk;
      const xml = `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${file}'/>
        <target dev='${target}' bus='virtio'/><serial>${serial}</serial></disk>`;
      await connection.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml, flags: 3 });
      // Refused, and yet it was done.
      if (attaches === 3) throw new RefusedRequest('there is no room');
      // Done, at another place than it says.
      return { place: '0000:1f:00.0' };
    }),
  reboot: ({ host, name }) =>
    onHost(host, name, async ({ connection, dom }) => {
      // Done, and nobody was rebooted.
      if (++reboots === 2) return {};
      await connection.call('DOMAIN_DESTROY', { dom });
      const { xml } = await connection.call('DOMAIN_GET_XML_DESC', { dom, flags: INACTIVE });
      // Done, and on the way a disk and a NIC have changed places.
      await connection.call('DOMAIN_DEFINE_XML_FLAGS', { xml: swapped(xml), flags: 0 });
      await connection.call('DOMAIN_CREATE', { dom });
      return {};
    }),
});

/** The first disk where the first NIC was, and the other way round. */
function swapped(xml: string): string {
  const place = (element: string) =>
    new RegExp(`<${element} [\\s\\S]*?(<address type='pci'[^>]*>)`).exec(xml)?.[1] ?? `no ${element}`;
  const [disk, nic] = [place('disk'), place('interface')];
  return xml.replace(disk, 'HERE').replace(nic, disk).replace('HERE', nic);
}
