/** What was seen of each device when it appeared, and what has become of it. Pure: sightings in, findings out. */
import type { Seen, View } from './views.js';

export const WITNESSES = ['document', 'live', 'qemu', 'guest'] as const;
/** `document`: libvirt's canonical document; `live`: that of the running guest; `qemu`: its monitor; `guest`: its own inventory. */
export type Witness = (typeof WITNESSES)[number];

/** What the witnesses tell at one moment. Those that there are none of are left out: the last three while it is off. */
export type Sighting = { readonly [W in Witness]?: View } & {
  readonly machine: string;
  readonly description: string;
  /** New at each boot of the guest's system, and at each start of QEMU. */
  readonly boot?: string;
  readonly process?: string;
};

/** What can be wrong. docs/conformance.md says what each means. */
export const FINDINGS = {
  moved: 'a device is seen elsewhere, or as another, than before',
  split: 'the place in the running guest is not that of the next boot',
  lost: 'a device is gone that should be there',
  unasked: 'a disk or NIC is there that nobody asked for',
  untrue: 'what the driver said is not so',
  rebooted: 'the guest was rebooted without being asked for it',
  machine: 'the machine itself is another: UUID, machine type, CPU or firmware',
  edit: 'what somebody else had changed is gone',
  disagree: 'two witnesses tell different places for one device',
  down: 'the domain does not run, or is not there, though it should',
  died: 'the driver ended, was silent, or answered outside the protocol',
} as const;
export type FindingKind = keyof typeof FINDINGS;

export interface Finding {
  readonly kind: FindingKind;
  /** The device, where it is about one. */
  readonly device?: string;
  readonly witness?: Witness;
  readonly before?: string;
  readonly after?: string;
  /** One sentence. */
  readonly what: string;
}

/** Where a disk or NIC of the kit's own should be. */
export type Expected = ReadonlyMap<string, { readonly in: 'both' | 'document' | 'live' }>;

/** Remembers what each witness said first, and says what is otherwise. What has moved is remembered at its new place. */
export class Ledger {
  readonly #first = new Map<Witness, Map<string, Seen>>(WITNESSES.map((witness) => [witness, new Map()]));
  /** What was told and still is so: it is not told again. */
  #told = new Set<string>();
  #machine: string | undefined;
  #description: string | undefined;

  /** Forgets a device that was detached: it may come back elsewhere. */
  forget(device: string): void {
    for (const seen of this.#first.values()) seen.delete(device);
  }

  /** Somebody else has written this text into the document: it is to stay. */
  edited(description: string): void {
    this.#description = description;
  }

  /** Holds a sighting to what was seen before and to the devices that should be there. */
  compare(now: Sighting, expected: Expected): Finding[] {
    const findings = [
      ...WITNESSES.flatMap((witness) => this.#moved(witness, now[witness])),
      ...this.#new([
        ...presence('document', now.document, expected),
        ...presence('live', now.live, expected),
        ...presence('guest', now.guest, expected),
        ...splits(now),
        ...disagreements(now),
      ]),
      ...this.#machineChanged(now.machine),
    ];
    if (this.#description !== undefined && now.description !== this.#description) {
      findings.push({
        kind: 'edit',
        before: this.#description,
        after: now.description,
        what: 'the description that somebody else had written is gone',
      });
      this.#description = now.description;
    }
    return findings;
  }

  #moved(witness: Witness, view: View | undefined): Finding[] {
    if (!view) return [];
    const first = this.#first.get(witness) as Map<string, Seen>;
    const findings: Finding[] = [];
    for (const [device, seen] of view) {
      const before = first.get(device);
      if (before && !sameOf(device, before, seen)) findings.push(moved(device, witness, before, seen));
      first.set(device, seen);
    }
    for (const [device, before] of first) {
      if (view.has(device)) continue;
      first.delete(device);
      // Disks and NICs are looked for by what was asked for; see presence. Controllers without a use come and go with the guest's view.
      if (!/^(disk|interface) /.test(device))
        findings.push({ kind: 'lost', device, witness, before: placeOf(before), what: `${device} is gone` });
    }
    return findings;
  }

  /** Those that were not so before. */
  #new(findings: readonly Finding[]): Finding[] {
    const before = this.#told;
    const keyOf = ({ kind, device, witness }: Finding) => `${kind} ${device} ${witness}`;
    this.#told = new Set(findings.map(keyOf));
    return findings.filter((each) => !before.has(keyOf(each)));
  }

  #machineChanged(machine: string): Finding[] {
    const before = this.#machine;
    this.#machine = machine;
    if (before === undefined || before === machine) return [];
    return [{ kind: 'machine', before, after: machine, what: 'the machine is another one' }];
  }
}

/** Whether two sights of a device are the same. PCI functions without a name may become more, and not fewer. */
function sameOf(device: string, before: Seen, now: Seen): boolean {
  if (!device.startsWith('pci ')) return shown(before) === shown(now);
  const places = new Set((now.path ?? '').split(' '));
  return (before.path ?? '').split(' ').every((place) => places.has(place));
}

function moved(device: string, witness: Witness, before: Seen, after: Seen): Finding {
  const what = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .map((key) => `${key} ${before[key] ?? 'none'} → ${after[key] ?? 'none'}`)
    .join(', ');
  return {
    kind: 'moved',
    device,
    witness,
    before: placeOf(before),
    after: placeOf(after),
    what: `${device}: ${what}`,
  };
}

const placeOf = (seen: Seen) => seen.path ?? seen.pci ?? seen.place ?? '';
const shown = (seen: Seen) => JSON.stringify(Object.entries(seen).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Disks and NICs that should be seen and are not, and the other way round. */
function presence(witness: 'document' | 'live' | 'guest', view: View | undefined, expected: Expected): Finding[] {
  if (!view) return [];
  const side = witness === 'document' ? 'document' : 'live';
  const isDue = (device: string) => ['both', side].includes(expected.get(device)?.in ?? '');
  const missing = [...expected.keys()].filter((device) => isDue(device) && !view.has(device));
  const stray = [...view.keys()].filter((device) => /^(disk|interface) /.test(device) && !isDue(device));
  return [
    ...missing.map(
      (device): Finding => ({ kind: 'lost', device, witness, what: `${device} is not in ${WHERE[witness]}` }),
    ),
    ...stray.map(
      (device): Finding => ({ kind: 'unasked', device, witness, what: `${device} is in ${WHERE[witness]}` }),
    ),
  ];
}

const WHERE = { document: 'the canonical document', live: 'the live document', guest: 'the guest' } as const;

/** Devices whose place in the running guest is not that of the next boot. */
function splits({ document, live }: Sighting): Finding[] {
  const findings: Finding[] = [];
  for (const [device, { place = '' }] of document ?? []) {
    const now = live?.get(device)?.place;
    if (now === undefined || now === place) continue;
    findings.push({
      kind: 'split',
      device,
      before: now,
      after: place,
      what: `${device} is at ${now} in the running guest and at ${place} from the next boot on`,
    });
  }
  return findings;
}

/** Places that the live document, QEMU and the guest do not tell alike. */
function disagreements({ live, qemu, guest }: Sighting): Finding[] {
  const findings: Finding[] = [];
  for (const [witness, view] of [
    ['qemu', qemu],
    ['guest', guest],
  ] as const)
    for (const [device, { place }] of view ?? []) {
      const said = live?.get(device)?.place;
      // The guest cannot tell which is which of two with one MAC.
      if (witness === 'guest' && isOneOfSeveral(device, guest)) continue;
      if (said !== undefined && place !== undefined && said !== place)
        findings.push({
          kind: 'disagree',
          device,
          witness,
          before: said,
          after: place,
          what: `${device} is at ${said} by the live document and at ${place} by ${witness === 'qemu' ? 'QEMU' : 'the guest'}`,
        });
    }
  return findings;
}

const isOneOfSeveral = (device: string, view: View | undefined) => / #\d+$/.test(device) || view?.has(`${device} #2`);
