import type { DomainTopology, TopologyDevice, TopologyPort } from './form.js';

/** An address without what every reader adds in his mind: `04:00.0`, `0:0:0:1`. */
export function shortAddress(address: string): string {
  return address.replace(/^pci (?:0000:)?|^(?:drive|usb|virtio-serial|ccid) /, '');
}

/** The identity of a device without what stands beside it anyway: its address, or its kind a second time. */
export function labelOf({ identity, kind, address, liveAddress }: TopologyDevice): string {
  const name = identity.slice(kind.length + 1);
  return identity.startsWith(`${kind} `) && [kind, address, liveAddress].includes(name) ? kind : identity;
}

/** Where a drawn device is: in the running guest alone, in the next one alone, or in both. */
export type When = 'now' | 'next' | 'both';

/** What the next cold boot does with a device, as a sentence; undefined when nothing. */
export function stateWords({ atNextBoot, address = '', liveAddress = '', changes }: TopologyDevice, when: When) {
  switch (atNextBoot) {
    case 'moves':
      return when === 'next'
        ? `here from the next boot on, now at ${shortAddress(liveAddress)}`
        : `moves to ${shortAddress(address)} at the next boot`;
    case 'comes':
      return 'here from the next boot on';
    case 'goes':
      return 'gone from the next boot on';
    case 'changes':
      return `changes at the next boot: ${count(changes.length, 'value')}`;
    default:
      return undefined;
  }
}

/** Who asked, in the words of the legend. */
export const ASKED_BY = {
  intent: 'asked for through this library',
  'another-client': 'asked for by another client',
  libvirt: 'part of the machine, from libvirt',
} as const;

/** The marks of the legend. */
export const AT_NEXT_BOOT = {
  moves: 'moves at the next boot',
  comes: 'comes with the next boot',
  goes: 'goes with the next boot',
  changes: 'changes at the next boot',
} as const;

/** The machine, whether it runs, and its room. */
export function machineLine({ domain: { machine, running }, capacity }: DomainTopology): string {
  const { pci } = capacity;
  const room = pci && pci.total > 0 ? `${pci.free} of ${pci.total} hot-plug PCI slots free` : 'no hot-plug PCI slots';
  return [machine, running ? 'running' : 'off', room].filter((part) => part !== '').join(' · ');
}

/** What the next cold boot does to the devices, in one sentence. */
export function bootLine({ devices, domain: { running } }: DomainTopology): string {
  if (!running) return 'It is off: it starts as shown.';
  const all = (['moves', 'comes', 'goes', 'changes'] as const).map((word) => {
    const found = devices.filter(({ atNextBoot }) => atNextBoot === word).length;
    return found === 0 ? undefined : `${count(found, 'device')} ${found === 1 ? word : PLURAL[word]}`;
  });
  const told = all.filter((each) => each !== undefined);
  return told.length === 0
    ? 'Every device stays where it is at the next cold boot.'
    : `At the next cold boot ${told.join(', ')}.`;
}

const PLURAL = { moves: 'move', comes: 'come', goes: 'go', changes: 'change' } as const;

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** The columns of a fixed-width font that a text takes up; East Asian characters and emoji take two. */
export function columns(text: string): number {
  return [...text].reduce((sum, each) => sum + ((each.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1), 0);
}

/** A text cut to so many columns. */
export function cut(text: string, most: number): string {
  if (columns(text) <= most) return text;
  let kept = '';
  for (const each of text) {
    if (columns(kept + each) > most - 1) break;
    kept += each;
  }
  return `${kept}…`;
}

/** `free 06:00.0`, `9 free 06:00.0 to 0e:00.0`. */
export function freeWords(places: readonly TopologyPort[]): string {
  const [first, last] = [places[0], places.at(-1)].map((place) => shortAddress(place?.address ?? ''));
  const when = places[0]?.hotplug ? '' : ', not while it runs';
  return places.length === 1 ? `free ${first}${when}` : `${places.length} free ${first} to ${last}${when}`;
}
