import type { Form } from './form.js';

const XHCI = "<controller type='usb' model='qemu-xhci'/>";
const nic = (inside: string, type = 'user') => `<interface type='${type}'>${inside}</interface>`;
const input = (attributes: string) => `<input ${attributes}/>`;
const hostdev = (type: string, source: string, more = '') =>
  `<hostdev mode='subsystem' type='${type}'${more}><source>${source}</source></hostdev>`;
const MISSING = 'the host has no such device';

/** Devices whose name libvirt does not keep, gives otherwise, or gives to several. */
export const NAMES: readonly Form[] = [
  { name: 'NIC of libvirt’s own tap name', devices: nic("<target dev='vnet0'/><model type='virtio'/>") },
  { name: 'NIC of libvirt’s own tap name, on pc', machine: 'pc', devices: nic("<target dev='vnet7'/>") },
  { name: 'two NICs of one tap name of libvirt’s', devices: nic("<target dev='vnet0'/>").repeat(2) },
  {
    name: 'NIC of a name like macvtap',
    devices: nic("<source dev='lo' mode='bridge'/><target dev='macvtap0'/>", 'direct'),
    cold: 'macvtap needs privileges',
  },
  {
    name: 'NIC of a name like macvlan',
    devices: nic("<source dev='lo' mode='bridge'/><target dev='macvlan12'/>", 'direct'),
    cold: 'macvtap needs privileges',
  },
  { name: 'NIC of a name of its own', devices: nic("<target dev='mine0'/><model type='virtio'/>") },
  { name: 'NIC without a MAC', devices: nic("<model type='virtio'/>") },
  { name: 'NIC with a MAC in capitals', devices: nic("<mac address='52:54:00:AB:CD:EF'/>") },
  { name: 'three NICs without a MAC', devices: nic("<model type='virtio'/>").repeat(3) },
  { name: 'two NICs of one MAC', devices: nic("<mac address='52:54:00:00:00:01'/>").repeat(2) },
  {
    name: 'two NICs of one MAC and another model each',
    devices: ['e1000e', 'virtio']
      .map((model) => nic(`<mac address='52:54:00:00:00:01'/><model type='${model}'/>`))
      .join(''),
  },
  ...['mouse', 'keyboard', 'tablet'].map((type) => ({
    name: `${type} without a bus`,
    devices: input(`type='${type}'`),
    usb: XHCI,
  })),
  ...['mouse', 'keyboard', 'tablet'].map((type) => ({
    name: `${type} without a bus, on pc`,
    machine: 'pc' as const,
    devices: input(`type='${type}'`),
    usb: '',
  })),
  {
    name: 'PS/2 mouse and keyboard named',
    devices: input("type='mouse' bus='ps2'") + input("type='keyboard' bus='ps2'"),
  },
  { name: 'two tablets', devices: input("type='tablet' bus='usb'").repeat(2), usb: XHCI },
  { name: 'USB mouse beside that of PS/2', devices: input("type='mouse' bus='usb'"), usb: XHCI },
  {
    name: 'virtio inputs',
    devices: ['mouse', 'keyboard', 'tablet'].map((type) => input(`type='${type}' bus='virtio'`)).join(''),
  },
  ...(['hda', 'sda', 'vda', 'xvda'] as const).map((dev) => ({
    name: `disk ${dev} without a bus`,
    machine: 'pc' as const,
    devices: `<disk type='file' device='disk'><target dev='${dev}'/><source file='/dev/null'/></disk>`,
    cold: 'the image is no file of the host’s',
  })),
  { name: 'floppy without a bus', machine: 'pc', devices: "<disk device='floppy'><target dev='fda'/></disk>" },
  {
    name: 'disk without a type or a source',
    machine: 'pc',
    devices: "<disk device='cdrom'><target dev='hdc'/></disk>",
  },
  {
    name: 'PCI device of the host',
    devices: hostdev('pci', "<address domain='0x0000' bus='0x0a' slot='0x00' function='0x1'/>", " managed='yes'"),
    cold: MISSING,
  },
  {
    name: 'PCI device of the host, address in decimal and partly',
    devices: hostdev('pci', "<address bus='10' slot='0' function='1'/>"),
    cold: MISSING,
  },
  {
    name: 'USB device of the host by vendor',
    devices: hostdev('usb', "<vendor id='0x046D'/><product id='0xc52b'/>"),
    usb: XHCI,
    cold: MISSING,
  },
  {
    name: 'USB device of the host by vendor without zeros',
    devices: hostdev('usb', "<vendor id='0x46d'/><product id='50475'/>"),
    usb: XHCI,
    cold: MISSING,
  },
  {
    name: 'USB device of the host by place',
    devices: hostdev('usb', "<address bus='1' device='9'/>"),
    usb: XHCI,
    cold: MISSING,
  },
  {
    name: 'mediated device',
    devices: hostdev('mdev', "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/>", " model='vfio-pci'"),
    cold: MISSING,
  },
  {
    name: 'SCSI device of the host',
    devices: hostdev('scsi', "<adapter name='scsi_host0'/><address bus='0' target='0' unit='3'/>"),
    cold: MISSING,
  },
  {
    name: 'iSCSI unit without its number',
    devices: hostdev('scsi', "<host name='example.org'/>", '').replace(
      '<source>',
      "<source protocol='iscsi' name='iqn.1992-01.com.example:a'>",
    ),
    cold: MISSING,
  },
  {
    name: 'vhost-scsi target',
    devices:
      "<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>",
    cold: MISSING,
  },
  {
    name: 'NIC that is a PCI device of the host',
    devices: nic("<source><address type='pci' domain='0' bus='0x0b' slot='0' function='0'/></source>", 'hostdev'),
    cold: MISSING,
  },
  {
    name: 'leases',
    devices: ['a', 'b']
      .map((key) => `<lease><lockspace>s</lockspace><key>${key}</key><target path='/tmp/x' offset='1024'/></lease>`)
      .join(''),
    cold: 'no lock manager',
  },
  ...['scsi', 'virtio-serial', 'sata', 'ccid'].map((type) => ({
    name: `${type} controllers without index`,
    devices: `<controller type='${type}'/>`.repeat(2),
    usb: XHCI,
    ...(type === 'scsi' ? { cold: 'lsilogic wants a bridge' } : {}),
  })),
  {
    name: 'scsi controller of model auto',
    devices: "<controller type='scsi' index='0' model='auto'/>",
    cold: 'lsilogic',
  },
  { name: 'USB controller without model', usb: "<controller type='usb'/>" },
  { name: 'USB controller without model, on pc', machine: 'pc', usb: "<controller type='usb' index='0'/>" },
  { name: 'no controllers said', usb: '' },
  { name: 'no controllers said, on pc', machine: 'pc', usb: '' },
  {
    name: 'USB 2 with companions',
    usb: "<controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/></controller><controller type='usb' index='0' model='ich9-uhci2'><master startport='2'/></controller>",
  },
  {
    name: 'rngs without a name',
    devices: "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>".repeat(2),
  },
  { name: 'rng without a backend path', devices: "<rng model='virtio'><backend model='random'/></rng>" },
  { name: 'serial ports without a number', devices: "<serial type='null'/><serial type='pty'/>" },
  { name: 'console alone', devices: "<console type='pty'/>" },
  { name: 'console of the first serial port', devices: "<serial type='pty'/><console type='pty'/>" },
  {
    name: 'virtio consoles',
    pending: 'libvirt numbers virtio consoles anew in the canonical document at the start',
    settledSince: '11.3.0',
    devices:
      "<serial type='null'/><console type='pty'><target type='virtio'/></console><console type='null'><target type='virtio'/></console>",
  },
  {
    name: 'channels without a name',
    devices:
      "<channel type='pty'><target type='virtio'/></channel><channel type='null'><target type='virtio'/></channel>",
  },
  {
    name: 'channel of the agent',
    devices: "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
  },
  {
    name: 'channel with source mode and no path',
    devices:
      "<channel type='unix'><source mode='bind'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
  },
  {
    name: 'guestfwd channel',
    devices: "<channel type='null'><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
    cold: 'guestfwd of QEMU wants a user network device',
  },
  { name: 'parallel ports', devices: "<parallel type='null'/><parallel type='null'/>" },
  { name: 'panic without a model', devices: '<panic/>' },
  { name: 'sound without address', devices: "<sound model='ich9'/><sound model='ich6'/>" },
  { name: 'two watchdogs by name', devices: "<watchdog model='i6300esb'/>" },
  { name: 'video without a model', devices: "<graphics type='vnc'/><video/>" },
  { name: 'graphics without video', devices: "<graphics type='vnc'/>" },
  { name: 'graphics without video, on pc', machine: 'pc', devices: "<graphics type='vnc'/>", usb: '' },
  { name: 'memory balloon left out', balloon: '' },
  { name: 'memory balloon without address', balloon: "<memballoon model='virtio'/>" },
  {
    name: 'memory modules without a slot',
    memory: "<maxMemory slots='4' unit='MiB'>512</maxMemory><memory unit='MiB'>64</memory>",
    rest: "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>",
    devices: "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>".repeat(2),
  },
  {
    name: 'vsock without a CID',
    devices: "<vsock model='virtio'><cid auto='yes'/></vsock>",
    cold: 'no /dev/vhost-vsock',
  },
  {
    name: 'vsock without a model',
    devices: "<vsock><cid auto='no' address='9'/></vsock>",
    cold: 'no /dev/vhost-vsock',
  },
  {
    name: 'redirected devices',
    devices: "<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='0'/></redirdev>".repeat(2),
    usb: XHCI,
  },
  { name: 'hub', devices: "<hub type='usb'/>", usb: XHCI, cold: '' },
  {
    name: 'many USB devices',
    devices: input("type='tablet' bus='usb'").repeat(9),
    usb: "<controller type='usb' model='qemu-xhci' ports='4'/>",
  },
  { name: 'tpm', devices: "<tpm><backend type='emulator'/></tpm>", cold: 'no swtpm' },
  {
    name: 'smartcard',
    devices:
      "<smartcard mode='passthrough' type='tcp'><source mode='bind' host='127.0.0.1' service='2001'/></smartcard>",
    usb: XHCI,
    cold: 'the device is not in this QEMU',
  },
  {
    name: 'filesystems',
    devices: ['a', 'b']
      .map((dir) => `<filesystem type='mount'><source dir='/tmp'/><target dir='${dir}'/></filesystem>`)
      .join(''),
  },
  {
    name: 'PCI address of zeros',
    devices: nic("<model type='virtio'/><address type='pci' domain='0' bus='0' slot='0' function='0'/>"),
  },
  { name: 'PCI address without numbers', devices: nic("<model type='virtio'/><address type='pci'/>") },
  { name: 'alias of libvirt’s making in the definition', devices: nic("<model type='virtio'/><alias name='net0'/>") },
  { name: 'alias of the user’s', devices: nic("<model type='virtio'/><alias name='ua-mine'/>") },
  { name: 'floppy controllers', machine: 'pc', devices: "<controller type='fdc'/><controller type='fdc'/>" },
  { name: 'floppy controller, on q35', devices: "<controller type='fdc'/>" },
  {
    name: 'floppy controller with a PCI address',
    machine: 'pc',
    devices: "<controller type='fdc'><address type='pci'/></controller>",
  },
  { name: 'console of another number', devices: "<console type='pty'><target port='5'/></console>" },
  { name: 'serial ports of other numbers', devices: "<serial type='null'><target port='3'/></serial>" },
  { name: 'iommu', devices: "<iommu model='intel'/>", features: "<acpi/><apic/><ioapic driver='qemu'/>" },
];
