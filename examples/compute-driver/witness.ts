/** Holds an instance to what it was: libvirt's documents, and the guest's own view of its machine. */
import { deepStrictEqual } from 'node:assert';
import type { ManagedDomain } from 'libvirt-canonical';
import type { Guest, GuestReport } from 'libvirt-canonical/testing';

/** Where everything is, by name: devices by their identity, what the guest sees by what it is. */
type Places = ReadonlyMap<string, string>;

export class Witness {
  #domain: ManagedDomain;
  #guest: Guest;
  /** Every place that was ever seen: a device that comes back has to be where it was. */
  readonly #seen = new Map<string, string>();
  #bootId = '';
  #operations = 0;

  constructor(domain: ManagedDomain, guest: Guest) {
    this.#domain = domain;
    this.#guest = guest;
  }

  get operations(): number {
    return this.#operations;
  }

  /** The instance is on another host from now on. */
  follow(domain: ManagedDomain, guest: Guest): void {
    this.#domain = domain;
    this.#guest = guest;
  }

  /**
   * Asks libvirt and the guest where everything is, and fails when anything that was seen before is elsewhere, or when the
   * guest has booted without need. Resolves with a line for people.
   */
  async check(operation: string, boot: 'same boot' | 'new boot'): Promise<string> {
    const last = this.#bootId;
    const report = await (boot === 'new boot' && last !== ''
      ? this.#guest.waitForReport({ after: last })
      : this.#guest.waitForReport());
    if (boot === 'same boot') deepStrictEqual(report.bootId, last, `${operation}: the guest has booted`);
    this.#bootId = report.bootId;
    const places = new Map([...(await documentPlaces(this.#domain)), ...guestPlaces(report)]);
    for (const [what, place] of places) {
      deepStrictEqual(place, this.#seen.get(what) ?? place, `${operation}: ${what} has moved`);
      this.#seen.set(what, place);
    }
    this.#operations++;
    return `${operation.padEnd(38)} ${places.size} places, none moved; ${boot}`;
  }
}

/** Devices with an address, in both documents. */
async function documentPlaces(domain: ManagedDomain): Promise<Places> {
  const places = new Map<string, string>();
  for (const { identity, address, liveAddress } of await domain.devices()) {
    if (address) places.set(identity, address);
    if (liveAddress && liveAddress !== address) places.set(`${identity}, running`, liveAddress);
  }
  return places;
}

/**
 * Disks by serial and interfaces by MAC, each with the PCI function that the guest's kernel found it at. Names such as vdb are
 * not held to: Linux counts them anew at each boot.
 */
function guestPlaces({ disks, interfaces }: GuestReport): Places {
  const all = [
    ...disks.map(({ serial, pciAddress }) => ({ what: `guest's disk ${serial}`, at: pciAddress })),
    ...interfaces.map(({ mac, pciAddress }) => ({ what: `guest's interface ${mac}`, at: pciAddress })),
  ];
  return new Map(all.flatMap(({ what, at }) => (at === undefined ? [] : [[what, at] as const])));
}
