/** A domain of sixty devices and more that has everything a picture can show, as its two documents. */
export function largeDomain(name = 'large'): { readonly canonical: string; readonly live: string } {
  return { canonical: documentOf(name, 'canonical'), live: documentOf(name, 'live') };
}

type Side = 'canonical' | 'live';
const PORTS = 28;
const INTENT = 'urn:libvirt-canonical:intent:1';
const INTENDED = ['root', 'moved', 'vol0', 'vol1', 'vol2', 'vol3']
  .map((id) => `<own:device kind='disk' alias='ua-${id}' name='${id}'/>`)
  .join('');

const pci = (bus: number, slot = 0, fn = 0) =>
  `<address type='pci' domain='0x0000' bus='0x${bus.toString(16)}' slot='0x${slot.toString(16)}' function='0x${fn}'/>`;

function documentOf(name: string, side: Side): string {
  const only = (which: Side, xml: string) => (which === side ? xml : '');
  const ports = Array.from({ length: PORTS }, (_, n) => {
    const fn = n % 8;
    const multi =
      fn === 0
        ? pci(0, 2 + Math.floor(n / 8)).replace('/>', " multifunction='on'/>")
        : pci(0, 2 + Math.floor(n / 8), fn);
    return `<controller type='pci' index='${n + 1}' model='pcie-root-port'>${multi}</controller>`;
  });
  const disks = Array.from({ length: 12 }, (_, n) => virtioDisk(`vol${n}`, `vd${String.fromCharCode(99 + n)}`, 6 + n));
  const scsi = Array.from({ length: 10 }, (_, n) => {
    const unit = n < 7 ? n : n + 1;
    return `<disk type='file' device='disk'><source file='/img/s${n}'/><target dev='sd${String.fromCharCode(97 + n)}' bus='scsi'/>
      <address type='drive' controller='0' bus='0' target='0' unit='${unit}'/></disk>`;
  });
  const channels = Array.from(
    { length: 8 },
    (_, n) => `<channel type='unix'><target type='virtio' name='org.example.${n}'/>
      <address type='virtio-serial' controller='0' bus='0' port='${n + 1}'/></channel>`,
  );
  const tablets = [1, 2, 3].map(
    (port) => `<input type='tablet' bus='usb'><address type='usb' bus='0' port='${port}'/></input>`,
  );
  return `<domain type='qemu'${side === 'live' ? " id='7'" : ''}><name>${name}</name><uuid>c0ffee00-0000-4000-8000-000000000060</uuid>
    <title>Sixty devices &amp; more</title>
    <metadata><own:intent xmlns:own="${INTENT}" domain='c0ffee00-0000-4000-8000-000000000060'>${INTENDED}</own:intent></metadata>
    <memory unit='KiB'>1048576</memory><vcpu>2</vcpu><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
    <features><acpi/></features><devices>
    <controller type='pci' index='0' model='pcie-root'/>${ports.join('')}
    <controller type='usb' index='0' model='qemu-xhci' ports='8'>${pci(1)}</controller>
    <controller type='scsi' index='0' model='virtio-scsi'>${pci(2)}</controller>
    <controller type='virtio-serial' index='0'>${pci(3)}</controller>
    <controller type='sata' index='0'>${pci(0, 0x1f, 2)}</controller>
    ${virtioDisk('root', 'vda', 4)}
    ${virtioDisk('moved', 'vdb', side === 'canonical' ? 21 : 22)}
    ${disks.join('')}${scsi.join('')}${channels.join('')}${tablets.join('')}
    ${interfaceAt('52:54:00:00:00:01', 5, side === 'canonical' ? 'down' : 'up')}
    ${only('canonical', interfaceAt('52:54:00:00:00:02', 18, 'up'))}
    ${only('live', interfaceAt('52:54:00:00:00:03', 19, 'up'))}
    <hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source><address type='usb' bus='0' port='4'/></hostdev>
    <input type='mouse' bus='ps2'/><input type='keyboard' bus='ps2'/>
    <serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target></serial>
    <graphics type='vnc' port='-1' autoport='yes' passwd='hunter2-planted'/>
    <audio id='1' type='none'/>
    <video><model type='virtio' heads='1' primary='yes'/>${pci(0, 1)}</video>
    <memballoon model='virtio'>${pci(20)}</memballoon>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend>${pci(23)}</rng>
    </devices></domain>`;
}

function virtioDisk(id: string, target: string, bus: number): string {
  return `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/img/${id}.qcow2'/>
    <target dev='${target}' bus='virtio'/><alias name='ua-${id}'/>${pci(bus)}</disk>`;
}

function interfaceAt(mac: string, bus: number, link: string): string {
  return `<interface type='user'><mac address='${mac}'/><model type='virtio'/><link state='${link}'/>${pci(bus)}</interface>`;
}
