import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument } from '../../src/domain/index.js';
import { type Plan, planTowards } from '../../src/plan/index.js';

/** A small domain: parts outside the devices, then devices. */
const domain = (parts: string, devices = '', attributes = '') =>
  `<domain type='kvm'${attributes}><name>corpus</name><uuid>5f6b3c1e-3b0a-4c56-9b1f-0f2d6c1a7e10</uuid>
  <memory unit='KiB'>1048576</memory><currentMemory unit='KiB'>1048576</currentMemory><vcpu placement='static'>4</vcpu>
  ${parts}<devices>${devices}</devices></domain>`;

function towards(desired: string, canonical: string, live?: string): Plan {
  return planTowards(desired, {
    canonical: new DomainDocument(canonical),
    live: live === undefined ? undefined : new DomainDocument(live),
    persistent: true,
    autostart: false,
    managedSave: false,
    versions: { libvirt: '9.0.0', qemu: '7.2.0' },
  });
}

/** What a plan does and refuses, but for the intent that a domain new to the library is given. */
const steps = (plan: Plan): string[] => [
  ...plan.operations.filter(({ subject }) => subject !== 'intent').map(({ action, subject }) => `${action} ${subject}`),
  ...plan.refusals.map(({ path }) => `refused ${path}`),
];

type Pair = readonly [asked: string, there: string];
interface Row {
  readonly same: Pair;
  /** The same place with something that is a difference; none where libvirt keeps nothing of it whatever it says. */
  readonly other?: Pair;
}

const OS = "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>";
const cells = (...all: string[]) => `<cpu><numa>${all.join('')}</numa></cpu>`;
const cell = (id: number | undefined, cpus: string, memory: string) =>
  `<cell ${id === undefined ? '' : `id='${id}'`} cpus='${cpus}' ${memory}><distances>${[0, 1]
    .map((other) => `<sibling id='${other}' value='${other === id ? 10 : 20}'/>`)
    .join('')}</distances></cell>`;
const KIB = "memory='1024' unit='KiB'";
const QEMU = 'http://libvirt.org/schemas/domain/qemu/1.0';

/** How libvirt writes what is outside the devices. */
const PARTS: Readonly<Record<string, Row>> = {
  'amounts in another unit, whatever its case': {
    same: [
      "<memtune><hard_limit>1000</hard_limit><swap_hard_limit unit='kb'>1048576</swap_hard_limit></memtune>",
      "<memtune><hard_limit>1000</hard_limit><swap_hard_limit unit='KiB'>1024000</swap_hard_limit></memtune>",
    ],
    other: [
      "<memtune><hard_limit>1000</hard_limit><swap_hard_limit unit='kib'>1048576</swap_hard_limit></memtune>",
      "<memtune><hard_limit>1000</hard_limit><swap_hard_limit unit='KiB'>1024000</swap_hard_limit></memtune>",
    ],
  },
  'an amount without a unit is in the unit of its element': {
    same: [
      '<features><smm><tseg>48</tseg></smm></features>',
      "<features><smm><tseg unit='KiB'>49152</tseg></smm></features>",
    ],
    other: [
      "<features><smm><tseg unit='KiB'>48</tseg></smm></features>",
      "<features><smm><tseg unit='MiB'>48</tseg></smm></features>",
    ],
  },
  'an unlimited amount is not written': {
    same: ["<memtune><hard_limit unit='KiB'>9007199254740991</hard_limit></memtune>", ''],
    other: ["<memtune><hard_limit unit='KiB'>9007199254740990</hard_limit></memtune>", ''],
  },
  'cells, and distances in them, in any order': {
    same: [
      cells(cell(1, '2-3', KIB), cell(0, '0-1', "memory='1' unit='MiB'")),
      cells(cell(0, '0-1', KIB), cell(1, '2-3', KIB)),
    ],
    other: [cells(cell(1, '0-1', KIB), cell(0, '2-3', KIB)), cells(cell(0, '0-1', KIB), cell(1, '2-3', KIB))],
  },
  'a set of numbers, written otherwise': {
    same: [
      "<numatune><memnode cellid='0' mode='strict' nodeset='1-2,5-7,^6'/></numatune>",
      "<numatune><memnode cellid='0' mode='strict' nodeset='1-2,5,7'/></numatune>",
    ],
    other: [
      "<numatune><memnode cellid='0' mode='strict' nodeset='1-2,5-7'/></numatune>",
      "<numatune><memnode cellid='0' mode='strict' nodeset='1-2,5,7'/></numatune>",
    ],
  },
  'schedulers, one element for every thread': {
    same: [
      "<cputune><vcpusched vcpus='0-2,^1' scheduler='rr' priority='1'/></cputune>",
      "<cputune><vcpusched vcpus='0' scheduler='rr' priority='1'/><vcpusched vcpus='2' scheduler='rr' priority='1'/></cputune>",
    ],
    other: [
      "<cputune><vcpusched vcpus='0-2' scheduler='rr' priority='1'/></cputune>",
      "<cputune><vcpusched vcpus='0' scheduler='rr' priority='1'/><vcpusched vcpus='2' scheduler='rr' priority='1'/></cputune>",
    ],
  },
  'an empty element is there with whatever libvirt put into it': {
    same: ['<features><pmu/><gic/></features>', "<features><pmu state='on'/><gic version='3'/></features>"],
    other: ['<features><pmu/><gic/></features>', "<features><pmu state='on'/></features>"],
  },
  'an empty cpu says nothing': {
    same: ['<cpu/>', ''],
    other: ["<cpu mode='maximum'/>", ''],
  },
  'the model of the host has no fallback': {
    same: ["<cpu mode='host-model'><model fallback='forbid'/></cpu>", "<cpu mode='host-model'/>"],
    other: [
      "<cpu mode='custom'><model fallback='forbid'>qemu64</model></cpu>",
      "<cpu mode='custom'><model>qemu64</model></cpu>",
    ],
  },
  'machine types are pinned to a version': {
    same: ["<os><type machine='q35'>hvm</type></os>", OS],
    other: ["<os><type machine='pc'>hvm</type></os>", OS],
  },
  'a machine type that keeps its name': {
    same: [
      "<os><type machine='s390-ccw-virtio'>hvm</type></os>",
      "<os><type machine='s390-ccw-virtio-9.1'>hvm</type></os>",
    ],
    other: ["<os><type machine='s390-ccw'>hvm</type></os>", "<os><type machine='pc-q35-7.2'>hvm</type></os>"],
  },
  'firmware features in any order': {
    same: [
      "<os><firmware><feature enabled='no' name='secure-boot'/></firmware></os>",
      "<os><firmware><feature enabled='yes' name='enrolled-keys'/><feature enabled='no' name='secure-boot'/></firmware></os>",
    ],
    other: [
      "<os><firmware><feature enabled='yes' name='secure-boot'/></firmware></os>",
      "<os><firmware><feature enabled='yes' name='enrolled-keys'/><feature enabled='no' name='secure-boot'/></firmware></os>",
    ],
  },
  'what a security driver gave to a running guest': {
    same: [
      "<seclabel type='dynamic' model='selinux'><label>a:b</label><imagelabel>a:c</imagelabel></seclabel>",
      "<seclabel type='dynamic' model='selinux'/>",
    ],
    other: ["<seclabel type='dynamic' model='selinux'/>", "<seclabel type='none' model='selinux'/>"],
  },
  'a namespace by another prefix': {
    same: [
      `<q:commandline xmlns:q='${QEMU}'><q:arg value='-S'/></q:commandline>`,
      `<qemu:commandline xmlns:qemu='${QEMU}'><qemu:arg value='-S'/></qemu:commandline>`,
    ],
    other: [
      "<q:commandline xmlns:q='urn:other'><q:arg value='-S'/></q:commandline>",
      `<qemu:commandline xmlns:qemu='${QEMU}'><qemu:arg value='-S'/></qemu:commandline>`,
    ],
  },
  'a part of a setting that no call changes': {
    same: [
      "<vcpus><vcpu id='1' enabled='yes'/></vcpus>",
      "<vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='yes'/></vcpus>",
    ],
    other: [
      "<vcpus><vcpu id='1' enabled='no'/></vcpus>",
      "<vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='yes'/></vcpus>",
    ],
  },
};

const disk = (inside: string, attributes = "type='file' device='disk'") =>
  `<disk ${attributes}>${inside}<target dev='sda' bus='scsi'/></disk>`;
const cdrom = (type: string, inside = '', snapshot = '') =>
  `<disk type='${type}' device='cdrom'${snapshot}>${inside}<target dev='sdb' bus='sata'/><readonly/></disk>`;
const nic = (inside: string) =>
  `<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/>${inside}</interface>`;
const channel = (inside: string) =>
  `<channel type='unix'>${inside}<target type='virtio' name='org.qemu.guest_agent.0'/></channel>`;
const usb = (...models: string[]) =>
  models.map((model) => `<controller type='usb' index='0' model='${model}'/>`).join('');
const iscsi = (name: string) =>
  `<source protocol='iscsi' name='${name}'><host name='example.org' port='3260'/></source>`;
const video = (inside: string) => `<video><model type='qxl' ram='65536' ${inside}/></video>`;
const chain = (index: string) =>
  `<source file='/a'${index}/><backingStore type='file'${index}><format type='raw'/><source file='/b'/></backingStore>`;

const SOCKET = "<source mode='bind' path='/p'/>";
/** Devices that end in a socket, with something beside its path. */
const SOCKETS: Readonly<Record<string, (more: string) => string>> = {
  parallel: (more) => `<parallel type='unix'>${SOCKET}${more}<target port='0'/></parallel>`,
  serial: (more) => `<serial type='unix'>${SOCKET}${more}<target port='0'/></serial>`,
  console: (more) => `<console type='unix'>${SOCKET}${more}<target type='virtio' port='0'/></console>`,
  channel: (more) => `<channel type='unix'>${SOCKET}${more}<target type='virtio' name='a'/></channel>`,
  redirdev: (more) => `<redirdev bus='usb' type='unix'>${SOCKET}${more}</redirdev>`,
  smartcard: (more) => `<smartcard mode='passthrough' type='unix'>${SOCKET}${more}</smartcard>`,
  rng: (more) => `<rng model='virtio'><backend model='egd' type='unix'>${SOCKET}${more}</backend></rng>`,
};

/** How libvirt writes devices. */
const DEVICES: Readonly<Record<string, Row>> = {
  'the controllers of one USB bus in any order': {
    same: [usb('ich9-uhci2', 'ich9-ehci1', 'ich9-uhci1'), usb('ich9-ehci1', 'ich9-uhci1', 'ich9-uhci2')],
    other: [usb('ich9-uhci3', 'ich9-ehci1', 'ich9-uhci1'), usb('ich9-ehci1', 'ich9-uhci1', 'ich9-uhci2')],
  },
  'controllers that libvirt numbered': {
    same: ["<controller type='scsi' model='virtio-scsi'/>", "<controller type='scsi' index='0' model='virtio-scsi'/>"],
    other: ["<controller type='scsi' model='lsilogic'/>", "<controller type='scsi' index='0' model='virtio-scsi'/>"],
  },
  'a controller model that libvirt chose': {
    same: ["<controller type='scsi' index='0' model='auto'/>", "<controller type='scsi' index='0' model='lsilogic'/>"],
    other: [
      "<controller type='scsi' index='0' model='virtio-scsi'/>",
      "<controller type='scsi' index='0' model='lsilogic'/>",
    ],
  },
  'who says most is matched first': {
    same: [
      video("heads='1'") + video("heads='1' primary='yes'"),
      video("heads='1' primary='yes'") + video("heads='1'"),
    ],
    other: [
      video("heads='1' primary='yes'") + video("heads='2'"),
      video("heads='1' primary='yes'") + video("heads='1'"),
    ],
  },
  'a video card that is not the primary one': {
    same: [video("primary='no'"), video('')],
    other: [video("primary='yes'"), video('')],
  },
  'the only video card is the primary one': { same: [video("primary='no'"), video("primary='yes'")] },
  'a console that is the first serial port': {
    same: [
      "<console type='pty'/>",
      "<serial type='pty'><target type='isa-serial' port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>",
    ],
    other: [
      "<console type='null'/>",
      "<serial type='pty'><target type='isa-serial' port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>",
    ],
  },
  'consoles that libvirt numbered': {
    same: [
      "<console type='pty'><target type='virtio' port='0'/></console>",
      "<console type='pty'><target type='serial' port='0'/></console><console type='pty'><target type='virtio' port='1'/></console>",
    ],
    other: [
      "<console type='pty'><target type='sclp' port='0'/></console>",
      "<console type='pty'><target type='serial' port='0'/></console><console type='pty'><target type='virtio' port='1'/></console>",
    ],
  },
  'a serial port on a machine without ISA': {
    same: [
      "<serial type='pty'><target type='isa-serial'/></serial>",
      "<serial type='pty'><target type='system-serial' port='0'/></serial>",
    ],
    other: [
      "<serial type='pty'><target type='usb-serial'/></serial>",
      "<serial type='pty'><target type='system-serial' port='0'/></serial>",
    ],
  },
  ...Object.fromEntries(
    Object.entries(SOCKETS).map(([name, write]) => [
      `a socket has no protocol: ${name}`,
      {
        // Not even one that a TCP socket would have: libvirt does not read it.
        same: [write("<protocol type='telnet'/>"), write('')] as const,
        other: [write("<log file='/l'/>"), write('')] as const,
      },
    ]),
  ),
  'a socket that libvirt chose for a channel': {
    same: [
      channel(
        "<source mode='bind' path='/var/lib/libvirt/qemu/channel/target/domain-1-corpus/org.qemu.guest_agent.0'/>",
      ),
      channel(''),
    ],
    other: [channel("<source mode='bind' path='/run/mine.sock'/>"), channel('')],
  },
  'a socket of a channel without a path': { same: [channel("<source mode='bind'/>"), channel('')] },
  'the state of a channel': {
    same: [
      "<channel type='spicevmc'><target type='virtio' name='a' state='connected'/></channel>",
      "<channel type='spicevmc'><target type='virtio' name='a'/></channel>",
    ],
  },
  'an alias that libvirt gave': { same: [nic("<alias name='net0'/>"), nic('')] },
  // No device is replaced to be given an id: the plan says in a note that it goes on without.
  'an alias of the user for one that was made without': { same: [nic("<alias name='ua-lan'/>"), nic('')] },
  'a tap name that libvirt gave': {
    same: [nic("<target dev='vnet7'/>"), nic('')],
    other: [nic("<target dev='tap7'/>"), nic('')],
  },
  'no coalescing': {
    same: [nic("<coalesce><rx><frames max='0'/></rx></coalesce>"), nic('')],
    other: [nic("<coalesce><rx><frames max='7'/></rx></coalesce>"), nic('')],
  },
  'coalescing that says nothing': { same: [nic('<coalesce><rx>\n</rx></coalesce>'), nic('')] },
  'numbers of a running chain': {
    same: [disk(chain(" index='3'")), disk(chain(''))],
    other: [disk(chain('').replace("'/b'", "'/c'")), disk(chain(''))],
  },
  'a copy job that runs': {
    same: [
      disk("<source file='/a'/><mirror type='file' job='copy'><source file='/b'/></mirror>"),
      disk("<source file='/a'/>"),
    ],
  },
  'amounts inside of what no field knows': {
    same: [
      disk(
        "<source file='/a'/><backingStore type='file'><format type='qcow2'><metadata_cache><max_size unit='kiB'>1</max_size></metadata_cache></format></backingStore>",
      ),
      disk(
        "<source file='/a'/><backingStore type='file'><format type='qcow2'><metadata_cache><max_size unit='bytes'>1024</max_size></metadata_cache></format></backingStore>",
      ),
    ],
    other: [
      disk(
        "<source file='/a'/><backingStore type='file'><format type='qcow2'><metadata_cache><max_size>1025</max_size></metadata_cache></format></backingStore>",
      ),
      disk(
        "<source file='/a'/><backingStore type='file'><format type='qcow2'><metadata_cache><max_size unit='KiB'>1</max_size></metadata_cache></format></backingStore>",
      ),
    ],
  },
  'the unit of an iSCSI target': {
    same: [disk(iscsi('iqn.2020-01.org:a'), "type='network'"), disk(iscsi('iqn.2020-01.org:a/0'), "type='network'")],
    other: [disk(iscsi('iqn.2020-01.org:a'), "type='network'"), disk(iscsi('iqn.2020-01.org:a/1'), "type='network'")],
  },
  'the unit of an iSCSI target that is handed through': {
    same: [
      `<hostdev mode='subsystem' type='scsi'>${iscsi('iqn.2020-01.org:a')}</hostdev>`,
      `<hostdev mode='subsystem' type='scsi'>${iscsi('iqn.2020-01.org:b/0')}</hostdev><hostdev mode='subsystem' type='scsi'>${iscsi('iqn.2020-01.org:a/0')}</hostdev>`,
    ],
  },
  'an empty drive has no kind of source': {
    same: [cdrom('network'), cdrom('file')],
    other: [cdrom('block', "<source dev='/dev/sr0'/>"), cdrom('file')],
  },
  'defaults of a drive': {
    same: [
      cdrom('file', "<driver name='qemu' cache='default'/>", " snapshot='no'").replace(
        "bus='sata'",
        "bus='sata' tray='closed'",
      ),
      cdrom('file', "<driver name='qemu'/>"),
    ],
    other: [cdrom('file', "<driver name='qemu' cache='none'/>"), cdrom('file', "<driver name='qemu'/>")],
  },
  'a drive whose tray is open': {
    same: [cdrom('file'), cdrom('file')],
    other: [cdrom('file').replace("bus='sata'", "bus='sata' tray='open'"), cdrom('file')],
  },
  'a label that is skipped': {
    same: [disk("<source file='/a'><seclabel model='selinux' labelskip='yes'/></source>"), disk("<source file='/a'/>")],
    other: [disk("<source file='/a'><seclabel model='selinux' relabel='no'/></source>"), disk("<source file='/a'/>")],
  },
  'ports that libvirt chooses at start': {
    same: ["<graphics type='vnc' port='5901' autoport='yes'/>", "<graphics type='vnc' port='-1' autoport='yes'/>"],
    other: ["<graphics type='vnc' port='5901'/>", "<graphics type='vnc' port='5902'/>"],
  },
  'ports for TLS that libvirt chooses at start': {
    same: [
      "<graphics type='spice' port='5901' tlsPort='5902' autoport='yes'/>",
      "<graphics type='spice' port='-1' tlsPort='-1' autoport='yes'/>",
    ],
    other: ["<graphics type='spice' tlsPort='5901'/>", "<graphics type='spice' tlsPort='5902'/>"],
  },
  'ports that are said': {
    same: ["<graphics type='spice' port='5901' autoport='no'/>", "<graphics type='spice' port='5901'/>"],
    other: ["<graphics type='spice' autoport='yes'/>", "<graphics type='spice' port='5901'/>"],
  },
  'a display socket that libvirt chose': {
    same: [
      "<graphics type='vnc' socket='/var/lib/libvirt/qemu/domain-1-corpus/vnc.sock'/>",
      "<graphics type='vnc' port='-1'/>",
    ],
    other: ["<graphics type='vnc' socket='/run/mine.sock'/>", "<graphics type='vnc' port='-1'/>"],
  },
  'a word that the spec does not know is one all the same': {
    same: ["<sound model='pcspk'/>", "<sound model='pcspk'/>"],
    other: ["<sound model='pcspk'/>", "<sound model='sb16'/>"],
  },
  'a part of a field that the spec does not know': {
    same: [nic(''), nic('')],
    other: [
      nic("<address type='pci' bus='0x00' slot='0x05' multifunction='on'/>"),
      nic("<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/>"),
    ],
  },
};

for (const [table, write] of [
  [PARTS, (text: string) => domain(text)],
  [DEVICES, (text: string) => domain(OS, text)],
] as const) {
  for (const [name, { same, other }] of Object.entries(table)) {
    test(`no difference: ${name}`, () => {
      const [asked, there] = same.map(write) as [string, string];
      assert.equal(steps(towards(asked, there)), []);
    });
    if (other)
      test(`a difference: ${name}`, () => {
        const [asked, there] = other.map(write) as [string, string];
        assert.ok(steps(towards(asked, there)).length > 0);
      });
  }
}

test('a document of a running domain, given back, asks for nothing', () => {
  assert.equal(
    steps(towards(domain(OS, nic("<alias name='net0'/><target dev='vnet0'/>"), " id='3'"), domain(OS, nic('')))),
    [],
  );
});

test('more memory than a double holds exactly', () => {
  const huge = domain('').replace(/1048576/g, '9007199254740988');
  assert.equal(steps(towards(huge, huge)), []);
});

test('one device more is one attach, also at the slot that video would have', () => {
  const root = "<controller type='pci' index='0' model='pci-root'/>";
  const acpi = '<features><acpi/></features>';
  const before = domain(OS.replace('pc-q35-7.2', 'pc-i440fx-7.2') + acpi, root, " id='1'");
  const slot = "<address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>";
  const after = before.replace('</devices>', `${nic(slot)}</devices>`);
  assert.equal(steps(towards(after, before, before)), ['attach interface 52:54:00:00:00:01']);
});

test.run();
