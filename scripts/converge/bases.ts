import { parseElement, select, serialize, setAt } from '../../src/xml/index.js';

/** The machines that documents are written for. */
export const MACHINES = ['q35', 'pc', 'virt'] as const;
export type Machine = (typeof MACHINES)[number];
/** How much a domain has beside the part that is tried: nothing, or what many parts need (NUMA cells, several controllers). */
export const KINDS = ['bare', 'full'] as const;
export type BaseKind = (typeof KINDS)[number];

/** A part of a domain: one element, and whether it is a device. */
export interface Part {
  readonly xml: string;
  readonly device: boolean;
}

const NAME = 'converge';
/** Taken by every document but those that try another. */
export const UUID = 'd1c0ffee-0000-4000-8000-0000000000';

const COMMON = (machine: Machine) => ({
  os: `<os><type arch='${machine === 'virt' ? 'aarch64' : 'x86_64'}' machine='${machine}'>hvm</type></os>`,
  memory: "<memory unit='KiB'>524288</memory>",
});
const FULL = {
  maxMemory: "<maxMemory slots='16' unit='KiB'>8388608</maxMemory>",
  currentMemory: "<currentMemory unit='KiB'>524288</currentMemory>",
  memoryBacking: "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
  vcpu: "<vcpu placement='static'>4</vcpu>",
  iothreads: '<iothreads>2</iothreads>',
};
const CELLS =
  "<numa><cell id='0' cpus='0-1' memory='262144' unit='KiB'/><cell id='1' cpus='2-3' memory='262144' unit='KiB'/></numa>";
const CPU: Readonly<Record<Machine, string>> = {
  q35: `<cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model>${CELLS}</cpu>`,
  pc: `<cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model>${CELLS}</cpu>`,
  virt: `<cpu mode='custom' match='exact'><model fallback='forbid'>cortex-a57</model>${CELLS}</cpu>`,
};
const DEVICES = [
  "<controller type='scsi' index='0' model='virtio-scsi'/>",
  "<controller type='usb' index='0' model='qemu-xhci'/>",
  "<controller type='virtio-serial' index='0'/>",
  "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/var/lib/libvirt/images/root.img'/><target dev='vda' bus='virtio'/></disk>",
  "<interface type='user'><mac address='52:54:00:c0:ff:ee'/><model type='virtio'/></interface>",
  "<video><model type='virtio'/></video>",
  "<memballoon model='virtio'/>",
];
/** Devices of which a domain can have one, or one of that name: the full domain's gives way. */
const SINGLE = new Set(['video', 'memballoon']);

/** A domain document with these parts in it. */
export function documentOf(
  machine: Machine,
  kind: BaseKind,
  parts: readonly Part[],
  uuid: string,
  name = NAME,
): string {
  const outside = new Map<string, string>(
    Object.entries({
      name: `<name>${name}</name>`,
      uuid: `<uuid>${uuid}</uuid>`,
      ...COMMON(machine),
      ...(kind === 'full' ? { ...FULL, cpu: CPU[machine] } : {}),
      ...(kind === 'full' && machine !== 'virt' ? { features: '<features><acpi/></features>' } : {}),
    }),
  );
  const devices = kind === 'full' ? [...DEVICES] : [];
  const more: string[] = [];
  for (const part of parts) {
    const element = parseElement(part.xml);
    const name = element.nodeName;
    if (part.device) {
      if (SINGLE.has(name))
        devices.splice(0, devices.length, ...devices.filter((each) => !each.startsWith(`<${name}`)));
      const index = element.getAttribute('index');
      if (name === 'controller' && index !== null)
        devices.splice(
          0,
          devices.length,
          ...devices.filter(
            (each) => !each.startsWith(`<controller type='${element.getAttribute('type')}' index='${index}'`),
          ),
        );
      more.push(part.xml);
    } else if (name === 'os') {
      // The machine is the document's own.
      const type = select(element, 'type')[0];
      if (type?.textContent === 'hvm') {
        type.setAttribute('arch', machine === 'virt' ? 'aarch64' : 'x86_64');
        if (!type.getAttribute('machine') || machine === 'virt') type.setAttribute('machine', machine);
      }
      outside.set(name, serialize(element));
    } else if (name === 'uuid') {
      // Each lane has domains of its own.
      outside.set(name, part.xml.replace(/.(?=<\/)/, uuid.slice(-1)));
    } else if (
      outside.has(name) &&
      parts.filter((each) => !each.device && parseElement(each.xml).nodeName === name).length > 1
    )
      outside.set(`${name} ${outside.size}`, part.xml);
    else outside.set(name, part.xml);
  }
  return `<domain type='qemu'>\n  ${[...outside.values()].join('\n  ')}\n  <devices>\n    ${[...devices, ...more].join('\n    ')}\n  </devices>\n</domain>\n`;
}

/** What an element needs beside what the schema asks for: where, which leaf is set when it is not there, and to what. */
const NEEDED: ReadonlyArray<readonly [where: string, leaf: string, value: string]> = [
  ["self::disk[@device='floppy']/target[starts-with(@dev,'sd')]", '@dev', 'fda'],
  [
    "self::disk[(not(@type) or @type='file') and (not(@device) or @device='disk')]",
    'source/@file',
    '/var/lib/libvirt/images/a.img',
  ],
  ["self::disk[@type='block']", 'source/@dev', '/dev/zero'],
  ["self::disk[@type='dir']", 'source/@dir', '/tmp'],
  ["self::disk[@type='dir']", 'readonly', ''],
  ["self::disk[@type='dir']", 'driver/@type', 'fat'],
  ['self::disk//source[@protocol]', '@name', 'image'],
  [
    "self::disk//source[@protocol='http' or @protocol='https' or @protocol='ftp' or @protocol='ftps' or @protocol='tftp' or @protocol='iscsi' or @protocol='gluster' or @protocol='ssh' or @protocol='nfs']",
    'host/@name',
    'example.org',
  ],
  ["self::disk//mirror[@job='copy' or not(@job)]/source[not(@*)]", '@file', '/var/lib/libvirt/images/m.img'],
  ["self::disk[@device='cdrom' or @device='floppy']", 'readonly', ''],
  ["self::interface[@type='bridge']", 'source/@bridge', 'br0'],
  ["self::interface[@type='network']", 'source/@network', 'default'],
  ["self::interface[@type='direct']", 'source/@dev', 'eth0'],
  ["self::interface[@type='internal']", 'source/@name', 'switch'],
  ["self::interface[@type='udp' or @type='mcast' or @type='client' or @type='server']", 'source/@address', '230.0.0.1'],
  ["self::interface[@type='udp' or @type='mcast' or @type='client' or @type='server']", 'source/@port', '5558'],
  ["self::interface[@type='udp']/source", 'local/@address', '127.0.0.1'],
  ["self::interface[@type='udp']/source", 'local/@port', '5559'],
  ["self::interface[@type='vhostuser']", 'source/@type', 'unix'],
  ["self::interface[@type='vhostuser']", 'source/@path', '/tmp/vhost.sock'],
  ["self::interface[@type='vhostuser']", 'source/@mode', 'client'],
  ["self::interface[@type='vhostuser']", 'model/@type', 'virtio'],
  ["self::interface[@type='vdpa']", 'source/@dev', '/dev/vhost-vdpa-0'],
  [
    "self::*[@type='dev' or @type='file' or @type='pipe'][not(self::disk or self::interface or self::filesystem or self::audio)]",
    'source/@path',
    '/tmp/chr',
  ],
  ["self::*[@type='tcp']/source[not(@mode)]", '@mode', 'connect'],
  ["self::*[@type='tcp']", 'source/@host', '127.0.0.1'],
  ["self::*[@type='tcp']", 'source/@service', '5555'],
  ["self::*[@type='udp'][not(self::interface)]", 'source/@host', '127.0.0.1'],
  ["self::*[@type='udp'][not(self::interface)]", 'source/@service', '5555'],
  ["self::*[@type='spiceport']", 'source/@channel', 'org.converge.port'],
  ["self::channel[@type='spicevmc']", 'target/@type', 'virtio'],
  ["self::rng/backend[@type='unix']", 'source/@path', '/tmp/rng'],
  ["self::hostdev[@type='pci']/source/address", '@domain', '0x0000'],
  ["self::hostdev[@type='pci']/source/address", '@bus', '0x06'],
  ["self::hostdev[@type='pci']/source/address", '@slot', '0x02'],
  ["self::hostdev[@type='pci']/source/address", '@function', '0x0'],
  ['self::hostdev', '@mode', 'subsystem'],
  ["self::hostdev[@type='mdev']", '@model', 'vfio-pci'],
  ["self::*/address[@type='pci']", '@domain', '0x0000'],
  ["self::*/address[@type='pci']", '@bus', '0x00'],
  ["self::*/address[@type='pci']", '@slot', '0x0a'],
  ["self::*/address[@type='pci']", '@function', '0x0'],
  ["self::*/address[@type='drive']", '@controller', '0'],
  ['self::memory/target[not(node)]', 'node', '0'],
  ["self::memory[@model='nvdimm' or @model='virtio-pmem']", 'source/path', '/tmp/nvdimm'],
  ["self::memory[@model='virtio-mem']/target", 'requested', '131072'],
  ["self::memory[@model='virtio-mem']/target", 'block', '2048'],
  ["self::filesystem[driver/@type='virtiofs']", '@accessmode', 'passthrough'],
  ['self::vsock', 'cid/@auto', 'yes'],
  ['self::shmem', 'model/@type', 'ivshmem-plain'],
  ['self::audio/*[settings]', '@fixedSettings', 'yes'],
  ["self::rng/backend[@type='dev' or @type='file' or @type='pipe']", 'source/@path', '/tmp/rng'],
  ["self::rng/backend[@type='tcp']/source", '@mode', 'connect'],
  ["self::rng/backend[@type='tcp' or @type='udp']", 'source/@host', '127.0.0.1'],
  ["self::rng/backend[@type='tcp' or @type='udp']", 'source/@service', '5555'],
  ['self::seclabel[label or baselabel]', '@model', 'dac'],
  ['self::os[nvram]', 'loader', '/usr/share/OVMF/OVMF_CODE_4M.fd'],
  ['self::os[nvram]/loader', '@readonly', 'yes'],
  ['self::os[nvram or loader]', 'loader/@type', 'pflash'],
  ['self::idmap[uid]', 'gid/@start', '0'],
  ['self::idmap[uid]/gid', '@target', '1000'],
  ['self::idmap[uid]/gid', '@count', '10'],
  ['self::hostdev/source/adapter[not(@name) and not(../@protocol)]', '@name', 'scsi_host0'],
  ["self::disk//source[@protocol='rbd' and @name='image']", '@name', 'pool/image'],
];

/** A part with what libvirt needs of it, where that is not said. */
export function completed(part: string): string {
  const element = parseElement(part);
  for (const [where, leaf, value] of NEEDED)
    for (const node of select(element, where)) if (select(node, leaf).length === 0) setAt(node, leaf, value);
  return serialize(element);
}
