import { readdirSync, readFileSync } from 'node:fs';
import gte from 'semver/functions/gte.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_MIGRATABLE,
  VIR_DOMAIN_XML_SECURE,
} from '../../src/connection/index.js';
import type { DefineOptions, DomainSpec, ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** A definition and what makes it one of its own. `start` says that TCG can run it here. */
interface Row {
  readonly name: string;
  readonly options?: DefineOptions;
  readonly start?: true;
  /** What define says of it since a version, and with what it defines it. */
  readonly refused?: { readonly since: string; readonly says: RegExp; readonly mended: (xml: string) => string };
  definition(name: string, image: string): string | DomainSpec;
}

const DISK = (image: string, dev = 'vda', more = '') =>
  `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${image}'/><target dev='${dev}'/>${more}</disk>`;
const NIC = "<interface type='user'><model type='virtio'/></interface>";
const CDROM = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>";
const FLOPPY = "<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>";

/** XML by its `<os>` beside the type, what stands beside `<os>`, and its devices. */
function xml(os: string, outside: string, devices: (image: string) => string, machine = 'q35'): Row['definition'] {
  const [attributes, inside] = /^@/.test(os) ? [os.slice(1, os.indexOf('|')), os.slice(os.indexOf('|') + 1)] : ['', os];
  return (name, image) => `<domain type='qemu'><name>${name}</name>
    ${/<memory/.test(outside) ? '' : "<memory unit='MiB'>64</memory>"}${outside}
    <os ${attributes}><type arch='x86_64' machine='${machine}'>hvm</type>${inside}</os>
    <devices>${devices(image)}</devices></domain>`;
}
const plain = (image: string) => `${DISK(image)}${NIC}`;
const SPEC = { type: 'qemu', memory: '64 MiB' } as const;
const disks = (file: string): NonNullable<DomainSpec['disks']> => [{ target: 'vda', file, format: 'qcow2' }];

/** What other programs write, but for what libvirt's schema does not have: define holds a document to it. */
const READ = readdirSync('test/fixtures/programs').filter((file) => !/^(kubevirt|vdsm)\.xml$/.test(file));

/** Before 11.2 libvirt only warned of it. */
const UNSHARED = {
  since: '11.2.0',
  says: /'interface' requires shared memory/,
  mended: (document: string) =>
    document.replace('<vcpu>', '<memoryBacking><access mode="shared"/></memoryBacking><vcpu>'),
};

const ROWS: readonly Row[] = [
  { name: 'nothing but a disk and a NIC', start: true, definition: xml('', '', plain) },
  { name: 'vCPUs, counted', start: true, definition: xml('', '<vcpu>2</vcpu>', plain) },
  { name: 'vCPUs with a placement', definition: xml('', "<vcpu placement='static' cpuset='0-1'>3</vcpu>", plain) },
  { name: 'vCPUs with current', definition: xml('', "<vcpu current='2'>3</vcpu>", plain) },
  {
    name: '<os><boot> of several, one of which nothing is',
    start: true,
    definition: xml(
      "<boot dev='cdrom'/><boot dev='hd'/><boot dev='network'/><boot dev='fd'/>",
      '',
      (image) =>
        `${DISK(image)}${DISK('/nowhere', 'vdb').replace(/<source[^>]*>/, `<source file='${image}.2'/>`)}${CDROM}${NIC}`,
    ),
  },
  {
    name: '<os><boot> of one, twice, with a menu',
    definition: xml("<boot dev='hd'/><boot dev='hd'/><bootmenu enable='yes' timeout='3000'/>", '', plain),
  },
  {
    name: 'orders of devices',
    definition: xml(
      '',
      '',
      (image) => `${DISK(image, 'vda', "<boot order='2'/>")}${NIC.replace('</', "<boot order='1'/></")}`,
    ),
  },
  {
    name: 'i440fx with a floppy and <os><boot>',
    start: true,
    definition: xml(
      "<boot dev='fd'/><boot dev='hd'/>",
      '<vcpu>2</vcpu>',
      (image) => `${DISK(image)}${FLOPPY}${NIC}`,
      'pc',
    ),
  },
  { name: 'host-model', start: true, definition: xml('', "<cpu mode='host-model'/>", plain) },
  {
    name: 'host-model as older dumps write it',
    definition: xml(
      '',
      "<vcpu>4</vcpu><cpu mode='host-model' check='none' match='minimum'><model fallback='allow'/><vendor>Intel</vendor><topology sockets='1' cores='2' threads='2'/><feature policy='disable' name='vmx'/></cpu>",
      plain,
    ),
  },
  {
    name: 'a disk that others write to, too, which is not cached while it runs',
    start: true,
    definition: xml(
      '',
      '',
      (image) => `${DISK(image).replace('qcow2', 'raw').replace('</disk>', '<shareable/></disk>')}${NIC}`,
    ),
  },
  {
    name: 'host-model that is not pinned',
    options: { pinCpu: false },
    definition: xml('', "<cpu mode='host-model' check='partial'><model fallback='forbid'/></cpu>", plain),
  },
  {
    name: 'NUMA cells and huge pages',
    definition: xml(
      '',
      "<memory unit='MiB'>64</memory><vcpu>4</vcpu><memoryBacking><hugepages><page size='2048' unit='KiB'/></hugepages></memoryBacking><cpu><numa><cell id='0' cpus='0-1' memory='32' unit='MiB'/><cell id='1' cpus='2-3' memory='32' unit='MiB'/></numa></cpu>",
      plain,
    ),
  },
  {
    name: 'spinlocks of Hyper-V that are off, with a number',
    definition: xml('', "<features><hyperv><spinlocks state='off' retries='8191'/></hyperv></features>", plain),
  },
  {
    name: 'huge pages of node 0, where there are no cells',
    definition: xml(
      '',
      "<memory unit='MiB'>64</memory><memoryBacking><hugepages><page size='2048' unit='KiB' nodeset='0'/></hugepages></memoryBacking>",
      plain,
    ),
  },
  {
    name: 'two modes of one SPICE channel, of which libvirt keeps the last',
    definition: xml(
      '',
      '',
      (image) =>
        `${DISK(image)}${NIC}<graphics type='spice' autoport='yes'><channel name='main' mode='any'/><channel name='inputs' mode='secure'/><channel name='main' mode='secure'/></graphics>`,
    ),
  },
  {
    name: 'a port group of a NIC that is on no network, a bridge of one that is on none',
    definition: xml(
      '',
      '',
      (image) =>
        `${DISK(image)}<interface type='direct'><mac address='52:54:00:00:00:07'/><source dev='lo' network='default' portgroup='web'/></interface><interface type='network'><mac address='52:54:00:00:00:08'/><source network='default' bridge='br0' macTableManager='kernel'/></interface>`,
    ),
  },
  {
    name: 'numbers with a zero before them in what a device is known by',
    definition: xml(
      '',
      '',
      (image) =>
        `${DISK(image)}<controller type='scsi' index='00' model='virtio-scsi'/><controller type='scsi' index='01' model='virtio-scsi'/><serial type='pty'><target port='00'/></serial><serial type='pty'><target port='01'/></serial><parallel type='pty'><target port='00'/></parallel>`,
    ),
  },
  {
    name: 'a PCI address in octal, and a label of a pty, which has a path only while it runs',
    definition: xml(
      '',
      '',
      (image) =>
        `${DISK(image)}<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='pci' domain='0' bus='0' slot='010' function='00'/></rng><serial type='pty'><source><seclabel model='dac' relabel='no'/></source></serial>`,
    ),
  },
  {
    name: 'slots for memory',
    options: { hotplug: { memory: { upTo: '256 MiB' } } },
    definition: xml(
      '',
      "<memory unit='MiB'>64</memory><currentMemory unit='MiB'>48</currentMemory><vcpu>2</vcpu>",
      plain,
    ),
  },
  {
    name: 'room that was asked for',
    options: { hotplug: { vcpus: 9, pciePorts: 3 } },
    definition: xml('', '<vcpu>2</vcpu>', plain),
  },
  {
    name: 'UEFI as libvirt chooses it',
    start: true,
    definition: xml("@firmware='efi'|", '<features><acpi/></features>', plain),
  },
  {
    name: 'UEFI without secure boot, by features',
    definition: xml(
      "@firmware='efi'|<firmware><feature enabled='no' name='secure-boot'/><feature enabled='no' name='enrolled-keys'/></firmware><boot dev='hd'/>",
      '<features><acpi/></features>',
      plain,
    ),
  },
  {
    name: 'UEFI with secure boot by the loader, and a TPM',
    definition: xml(
      "@firmware='efi'|<loader secure='yes'/><boot dev='cdrom'/><boot dev='hd'/>",
      "<vcpu>4</vcpu><cpu mode='host-model'/><features><acpi/><apic/><hyperv><relaxed state='on'/><vapic state='on'/><spinlocks state='on' retries='8191'/></hyperv><smm state='on'/></features><clock offset='localtime'><timer name='hpet' present='no'/></clock>",
      (image) =>
        `${DISK(image, 'sdb').replace("dev='sdb'", "dev='sdb' bus='sata'")}${CDROM}${NIC.replace('virtio', 'e1000e')}<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm><input type='tablet' bus='usb'/><graphics type='vnc' autoport='yes'/><video><model type='qxl'/></video><sound model='ich9'/>`,
    ),
  },
  {
    name: 'UEFI by features with keys',
    definition: xml(
      "@firmware='efi'|<firmware><feature enabled='yes' name='secure-boot'/><feature enabled='yes' name='enrolled-keys'/></firmware>",
      '<features><acpi/></features>',
      plain,
    ),
  },
  {
    name: 'UEFI by path',
    definition: xml(
      "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>",
      '<features><acpi/></features>',
      plain,
    ),
  },
  ...READ.map(
    (file): Row => ({
      name: `as ${file} has it`,
      options: { unstartable: 'allow' },
      ...(file === 'nova.xml' ? { refused: UNSHARED } : {}),
      definition: (name) =>
        readFileSync(`test/fixtures/programs/${file}`, 'utf8').replace(/<name>[^<]*</, `<name>${name}<`),
    }),
  ),
  { name: 'spec: memory and a disk', start: true, definition: (name, file) => ({ ...SPEC, name, disks: disks(file) }) },
  {
    name: 'spec: Windows 11',
    definition: (name, file) => ({ ...SPEC, name, os: 'windows-11', disks: disks(file), interfaces: [{ user: true }] }),
  },
  {
    name: 'spec: Linux, host-model, UEFI',
    start: true,
    definition: (name, file) => ({
      ...SPEC,
      name,
      os: 'linux',
      firmware: 'efi',
      cpu: 'host-model',
      disks: disks(file),
    }),
  },
  {
    name: 'spec: an identifier of osinfo-db',
    definition: (name, file) => ({ ...SPEC, name, os: 'debian11', disks: disks(file) }),
  },
  {
    name: 'spec: secure boot and room',
    definition: (name, file) => ({
      ...SPEC,
      name,
      vcpus: 2,
      firmware: { efi: { secureBoot: true } },
      hotplug: { pciePorts: 3, memory: { upTo: '256 MiB' } },
      disks: disks(file),
    }),
  },
];

for (const row of ROWS) test(`planTowards is empty after define: ${row.name}`, () => converges(row));

async function converges({ definition, options = {}, start, refused }: Row): Promise<void> {
  const b = await bench();
  const name = `asdefined${++count}`;
  const image = await b.disk(`${name}.qcow2`);
  await b.disk(`${name}.qcow2.2`);
  const allowed = { unstartable: 'allow', ...options } as const;
  let given = definition(name, image);
  if (refused !== undefined && gte(b.host.libvirtVersion, refused.since)) {
    assert.match((await failure(b.manager.define(given, allowed), 'LIBVIRT')).message, refused.says);
    given = refused.mended(given as string);
  }
  const domain = await b.manager.define(given, allowed);
  try {
    const documents = async () => ({ itself: given, ...(await dumpsOf(b, domain)) });
    assert.equal(await stepsOf(domain, await documents(), 'off'), []);
    if (start) {
      await domain.start({ paused: true });
      assert.equal(await stepsOf(domain, await documents(), 'running'), []);
    }
    // Control: a difference is seen.
    const more = typeof given === 'string' ? another(given) : { ...given, title: 'another' };
    assert.ok((await domain.planTowards(more)).operations.some(({ subject }) => subject === 'title'));
  } finally {
    if (start) await domain.destroy().catch(() => undefined);
  }
}

let count = 0;

/** The document with another title. */
function another(document: string): string {
  return document.replace(/<title>[^<]*<\/title>/, '').replace(/<\/name>/, '</name><title>another</title>');
}

async function dumpsOf({ connection }: Bench, { name, uuid }: ManagedDomain): Promise<Record<string, string>> {
  const dump = async (flags: number) =>
    (await connection.call('DOMAIN_GET_XML_DESC', { dom: { name, uuid, id: -1 }, flags })).xml;
  return {
    canonical: await dump(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE),
    live: await dump(VIR_DOMAIN_XML_SECURE),
    migratable: await dump(VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE),
  };
}

async function stepsOf(
  domain: ManagedDomain,
  documents: Readonly<Record<string, string | DomainSpec>>,
  when: string,
): Promise<string[]> {
  const steps: string[] = [];
  for (const [what, desired] of Object.entries(documents)) {
    const { operations, refusals } = await domain.planTowards(desired);
    // The intent lists what a dump shows and the definition left to libvirt.
    const done = operations.filter(({ subject }) => what === 'itself' || subject !== 'intent');
    steps.push(...[...done, ...refusals].map((each) => `${when}, ${what}: ${JSON.stringify(each)}`));
  }
  return steps;
}

test.run();
