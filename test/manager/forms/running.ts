import type { Form } from './form.js';

const XHCI = "<controller type='usb' model='qemu-xhci'/>";
const drive = (target: string, bus: string, device = 'cdrom', inside = '') =>
  `<disk type='file' device='${device}'>${inside}<target dev='${target}' bus='${bus}'/>${device === 'cdrom' ? '<readonly/>' : ''}</disk>`;
const vnc = (attributes = '', inside = '') => `<graphics type='vnc'${attributes}>${inside}</graphics>`;

/** What only a running guest has or lacks, and what libvirt lists though nobody asked. */
export const RUNNING: readonly Form[] = [
  { name: 'empty CD-ROM, sata', devices: drive('sda', 'sata') },
  { name: 'empty CD-ROM, scsi', devices: `<controller type='scsi' model='virtio-scsi'/>${drive('sda', 'scsi')}` },
  { name: 'empty CD-ROM, ide', machine: 'pc', devices: drive('hdc', 'ide') },
  {
    name: 'empty CD-ROM, usb',
    devices: drive('sda', 'usb'),
    usb: XHCI,
    cold: 'QEMU wants a medium',
    refused: { since: '11.3.0', code: 'VIR_ERR_CONFIG_UNSUPPORTED' },
  },
  { name: 'empty CD-ROM of type block', machine: 'pc', devices: drive('hdc', 'ide').replace("'file'", "'block'") },
  { name: 'empty CD-ROM with a driver', devices: drive('sda', 'sata', 'cdrom', "<driver name='qemu' type='raw'/>") },
  { name: 'empty CD-ROM with an empty source', devices: drive('sda', 'sata', 'cdrom', "<source file=''/>") },
  { name: 'empty CD-ROM with a source of nothing', devices: drive('sda', 'sata', 'cdrom', '<source/>') },
  {
    name: 'empty CD-ROM with an open tray',
    devices: drive('sda', 'sata').replace("bus='sata'", "bus='sata' tray='open'"),
  },
  { name: 'empty floppy', machine: 'pc', devices: drive('fda', 'fdc', 'floppy') },
  {
    name: 'the least CPU that will do',
    rest: "<cpu match='minimum'><model>qemu64</model></cpu>",
  },
  {
    name: 'the least CPU that will do, of another vendor and with a feature',
    rest: "<cpu mode='custom' match='minimum' check='partial'><model fallback='allow'>Nehalem</model><feature policy='optional' name='aes'/></cpu>",
  },
  {
    name: 'host-model beside a model',
    rest: "<cpu mode='host-model'><model fallback='allow'>qemu64</model></cpu>",
  },
  {
    name: 'video memory that QEMU raises',
    devices: "<video><model type='qxl' ram='16384'/></video>",
  },
  { name: 'VNC', devices: vnc() },
  { name: 'VNC with an automatic port', devices: vnc(" port='-1' autoport='yes'") },
  { name: 'VNC with an automatic port and a listener', devices: vnc(" port='-1' autoport='yes' listen='127.0.0.1'") },
  {
    name: 'VNC that listens on an address',
    devices: vnc(" autoport='yes'", "<listen type='address' address='127.0.0.1'/>"),
  },
  {
    name: 'VNC that listens on an address that is left out',
    devices: vnc(" autoport='yes'", "<listen type='address'/>"),
  },
  { name: 'VNC that listens on nothing', devices: vnc('', "<listen type='none'/>") },
  { name: 'VNC on a websocket', devices: vnc(" autoport='yes' websocket='-1'") },
  { name: 'VNC on a socket', devices: vnc('', "<listen type='socket'/>") },
  {
    name: 'VNC on a socket beside a listener',
    devices: vnc(" socket='/tmp/a' listen='127.0.0.1'"),
    cold: 'the place may not be written to',
  },
  {
    name: 'VNC on a socket beside a listen element',
    devices: vnc(" socket='/tmp/a'", "<listen type='address' address='127.0.0.1'/>"),
    cold: 'the place may not be written to',
  },
  { name: 'VNC with a keymap', devices: vnc(" keymap='de' autoport='no' port='5999'") },
  { name: 'host-model CPU', rest: "<cpu mode='host-model'/>", cold: 'host-model wants KVM' },
  { name: 'custom CPU', rest: '<cpu><model>qemu64</model></cpu>' },
  {
    name: 'custom CPU, partly checked',
    rest: "<cpu mode='custom' match='exact' check='partial'><model>Nehalem</model></cpu>",
  },
  {
    name: 'custom CPU with features',
    rest: "<cpu mode='custom' match='exact'><model fallback='allow'>Westmere</model><feature policy='disable' name='aes'/></cpu>",
  },
  { name: 'maximum CPU', rest: "<cpu mode='maximum'/>" },
  {
    name: 'CPU topology alone',
    vcpu: '<vcpu>4</vcpu>',
    rest: "<cpu><topology sockets='2' cores='2' threads='1'/></cpu>",
  },
  { name: 'no labels', rest: "<seclabel type='none'/>" },
  { name: 'partition', rest: '<resource><partition>/machine</partition></resource>', cold: 'no control groups' },
  {
    name: 'redirected device',
    devices:
      "<redirdev bus='usb' type='tcp'><source mode='bind' host='127.0.0.1' service='4000'/><protocol type='raw'/></redirdev>",
    usb: XHCI,
  },
  {
    name: 'consoles and ports',
    pending: 'libvirt numbers virtio consoles anew in the canonical document at the start',
    settledSince: '11.3.0',
    devices:
      "<serial type='pty'/><channel type='pty'><target type='virtio' name='a'/></channel><console type='pty'><target type='virtio'/></console>",
  },
  {
    name: 'TCP serial port',
    devices:
      "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='4001'/><protocol type='telnet'/></serial>",
  },
  { name: 'vCPUs to be plugged', vcpu: "<vcpu current='1'>4</vcpu>" },
  {
    name: 'memory below its maximum',
    memory: "<memory unit='MiB'>128</memory><currentMemory unit='MiB'>64</currentMemory>",
    balloon: '',
  },
  {
    name: 'memory below its maximum without a balloon',
    memory: "<memory unit='MiB'>128</memory><currentMemory unit='MiB'>64</currentMemory>",
  },
  { name: 'audio and all', devices: `${vnc()}<sound model='ich9'/><video><model type='vga'/></video>` },
  { name: 'audio named', devices: `${vnc()}<sound model='ich9'><audio id='1'/></sound><audio id='1' type='none'/>` },
  { name: 'IOThreads', rest: '<iothreads>2</iothreads>' },
  { name: 'IOThreads by id', rest: "<iothreadids><iothread id='4'/><iothread id='2'/></iothreadids>" },
  { name: 'firmware by itself', os: '', devices: "<watchdog model='i6300esb' action='none'/>" },
  {
    name: 'all that is implicit, on pc',
    machine: 'pc',
    usb: '',
    balloon: '',
    devices: `${vnc()}<video><model type='cirrus'/></video>`,
  },
  {
    name: 'all that is implicit, on q35',
    usb: '',
    balloon: '',
    devices: `${vnc()}<video><model type='qxl'/></video>`,
    cold: 'QXL is not in this QEMU',
  },
  { name: 'NIC up', devices: "<interface type='user'><link state='up'/><model type='e1000e'/></interface>" },
];
