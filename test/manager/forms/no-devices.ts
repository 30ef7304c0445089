import type { Form } from './form.js';

const QEMU = " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'";

/** What stands below `<devices>` and is no device: libvirt passes over it. */
export const NO_DEVICES: readonly Form[] = [
  { name: 'a foreign element', devices: "<x:thing xmlns:x='urn:x' a='b'/>" },
  { name: 'a foreign element in a default namespace', devices: "<thing xmlns='urn:x'><inner/></thing>" },
  { name: 'a foreign element of a device’s name', devices: "<x:disk xmlns:x='urn:x'><target dev='vdz'/></x:disk>" },
  { name: 'an element that libvirt does not know', devices: '<nonsense/>' },
  {
    name: 'misplaced QEMU arguments',
    root: QEMU,
    devices: "<qemu:commandline><qemu:arg value='-name'/></qemu:commandline>",
  },
  { name: 'a misplaced element of the domain', devices: '<vcpu>4</vcpu><title>a</title>' },
  { name: 'text and comments', devices: 'text<!-- comment -->' },
];
