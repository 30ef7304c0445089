/** What the page begins with: a small guest that runs, and a disk and two vCPUs for it. */
const DEVICES = `
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/img/root.qcow2'/><target dev='vda' bus='virtio'/>
      <boot order='1'/><address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></disk>
    <interface type='network'><mac address='52:54:00:12:34:56'/><source network='default'/><model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/></interface>
    <controller type='pci' index='0' model='pcie-root'/>
    ${[1, 2, 3, 4].map((n) => `<controller type='pci' index='${n}' model='pcie-root-port'><address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x${n - 1}'${n === 1 ? " multifunction='on'" : ''}/></controller>`).join('\n    ')}
    <memballoon model='none'/>`;

const domain = (id: string) => `<domain type='kvm'${id}>
  <name>web1</name>
  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
  <memory unit='KiB'>2097152</memory>
  <currentMemory unit='KiB'>2097152</currentMemory>
  <vcpu placement='static' current='2'>4</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>${DEVICES}
  </devices>
</domain>`;

export const EXAMPLE = {
  canonical: domain(''),
  live: domain(" id='1'"),
  request: JSON.stringify(
    { attach: [{ disk: { id: 'data', target: 'vdb', file: '/img/data.qcow2', format: 'qcow2' } }], set: { vcpus: 4 } },
    undefined,
    2,
  ),
  libvirt: '9.0.0',
} as const;
