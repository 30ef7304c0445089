import type { Connection, ManagedDomain } from '../../src/index.js';
import type { GuestReport } from '../../src/testing/index.js';
import { identityMap, type Place } from '../support/identity-map.js';

/** What a witness says of one device: all that must never change. */
export interface Seen extends Place {
  readonly model: string;
  readonly boot: string;
}

/** Device → what a document says of it. Keys are `disk ua-data` and the like; model and boot order are read beside the place. */
export function seenIn(xml: string): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const [name, place] of identityMap(xml)) {
    const [element = ''] = name.split(' ');
    const own = place.alias ? elementWith(xml, element, place.alias) : '';
    const model = /<model type='([^']*)'/.exec(own)?.[1] ?? /<target [^>]*bus='([^']*)'/.exec(own)?.[1] ?? '';
    const boot = /<boot order='(\d+)'/.exec(own)?.[1] ?? '';
    // A port added beside the first of its slot makes that one multifunction: libvirt does not count it as another place.
    const address = place.address.replace(' multifunction=on', '');
    seen.set(name, { ...place, address, model, boot });
  }
  return seen;
}

/** The text of the element that holds a user alias. */
function elementWith(xml: string, element: string, alias: string): string {
  const texts = xml.split(`<${element} `).map((text) => text.slice(0, text.indexOf(`</${element}>`)));
  return texts.slice(1).find((text) => text.includes(`<alias name='${alias}'/>`)) ?? '';
}

/** One function of QEMU's own list of PCI devices. */
interface QemuDevice {
  readonly qdev_id: string;
  readonly slot: number;
  readonly function: number;
  readonly pci_bridge?: { readonly devices?: readonly QemuDevice[] };
}

/**
 * What QEMU itself (query-pci) tells otherwise than the live document, empty when they agree. Asked again for some time:
 * QEMU sees behind a bridge only once the firmware has numbered the buses.
 */
export async function qemuDisagrees(connection: Connection, domain: ManagedDomain, live: string): Promise<string[]> {
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  const expected = expectedOfQemu(live);
  for (const deadline = performance.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const { result } = await connection.call('QEMU_DOMAIN_MONITOR_COMMAND', {
      dom,
      cmd: '{"execute":"query-pci"}',
      flags: 0,
    });
    const view = new Map<string, string>();
    const walk = (devices: readonly QemuDevice[], bridge: string) => {
      for (const device of devices) {
        const place = `${bridge} ${device.slot}.${device.function}`;
        // The machine's own devices have no id; that something is at their place is all QEMU tells.
        view.set(device.qdev_id || place, place);
        walk(device.pci_bridge?.devices ?? [], device.qdev_id);
      }
    };
    for (const { devices } of (JSON.parse(result) as { return: Array<{ devices: readonly QemuDevice[] }> }).return)
      walk(devices, 'pcie.0');
    const wrong = [...expected].flatMap(([alias, place]) => {
      const seen = view.get(alias) ?? view.get(place);
      return seen === place ? [] : [`${alias}: QEMU says ${seen ?? 'nothing'}, libvirt ${place}`];
    });
    if (wrong.length === 0 || performance.now() > deadline) return wrong;
  }
}

/** What QEMU must say of the live document's PCI devices: `alias → bridge alias slot.function`. */
function expectedOfQemu(live: string): Map<string, string> {
  const expected = new Map<string, string>();
  for (const match of live.matchAll(/<(disk|interface|controller|memballoon|rng) [\s\S]*?<\/\1>/g)) {
    const [text] = match;
    const alias = /<alias name='([^']*)'/.exec(text)?.[1];
    const address = /<address type='pci' domain='0x0000' bus='0x(..)' slot='0x(..)' function='0x(.)'/.exec(text);
    if (!alias || !address) continue;
    const [, bus = '', slot = '', fn = ''] = address;
    const number = Number.parseInt(bus, 16);
    expected.set(alias, `${number === 0 ? 'pcie.0' : `pci.${number}`} ${Number.parseInt(slot, 16)}.${Number(fn)}`);
  }
  return expected;
}

/** What the guest itself says of disks and NICs: serial or MAC → full path below /sys/devices. */
export function guestView(report: GuestReport): Map<string, string> {
  const bySerial = report.disks.flatMap(({ serial, path }) =>
    serial ? [[`disk ${serial}`, pciPath(path)] as const] : [],
  );
  const byMac = report.interfaces.map(({ mac, path }) => [`interface ${mac}`, pciPath(path)] as const);
  return new Map([...bySerial, ...byMac]);
}

/** The PCI functions on the way to a device; what the driver numbers by itself (virtio3) is left out. */
function pciPath(path: string): string {
  return (path.match(/[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/g) ?? []).join('/');
}
