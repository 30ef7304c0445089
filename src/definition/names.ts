import { randomBytes, randomUUID } from 'node:crypto';
import { type Device, type DomainDocument, uuidOf } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { select, setAt } from '../xml/index.js';
import type { Draft } from './additions.js';

/** Gives the document a UUID when it has none; one that is none is refused. */
export function ensureUuid(draft: Draft): void {
  const { uuid } = draft.document;
  if (uuid === '') draft.add('uuid', randomUUID(), 'the define call always carries one');
  else uuidOf(uuid, 'uuid');
}

/** A MAC that libvirt makes up is unique by chance only within this domain's document; ours are checked against it. */
export function fillMacs(draft: Draft): void {
  const { devices } = draft.document;
  const used = new Set(devices.map((device) => device.leaves.get('mac/@address')?.toLowerCase()));
  for (const device of devices) {
    if (device.kind.element !== 'interface' || device.leaves.has('mac/@address')) continue;
    let mac: string;
    do mac = `52:54:00:${(randomBytes(3).toString('hex').match(/../g) as string[]).join(':')}`;
    while (used.has(mac));
    used.add(mac);
    setAt(device.element, 'mac/@address', mac);
    draft.say(`${device.identity}: mac/@address`, mac, 'the one that libvirt makes up is not compared with the others');
  }
}

/** Kinds that keep no alias of their own making: those of memory are guest ABI, controllers are known by their index. */
const WITHOUT_ALIAS = ['controller', 'memory', 'audio', 'memballoon', 'input', 'iommu', 'watchdog'];

/** Gives devices that can come and go a user alias, by which they are found whatever libvirt makes of the rest. */
export function addAliases(draft: Draft): void {
  const { root, devices } = draft.document;
  // What is passed to QEMU may name libvirt's own aliases.
  if (select(root, '*').some(({ nodeName }) => /^\w+:(override|commandline)$/.test(nodeName))) return;
  const used = new Set(devices.map(({ userAlias }) => userAlias));
  for (const device of devices) {
    if (device.userAlias !== undefined || WITHOUT_ALIAS.includes(device.kind.element) || !comesAndGoes(device))
      continue;
    const alias = freeAlias(device, used);
    used.add(alias);
    setAt(device.element, 'alias/@name', alias);
    draft.say(`${device.identity}: alias/@name`, alias, 'a device is found by it, whatever becomes of its address');
  }
}

function comesAndGoes({ kind }: Device): boolean {
  return kind.support.some(({ action, supported }) => action === 'detach' && supported);
}

/** `ua-vda`, `ua-52-54-00-…`, `ua-rng`: the device's own name, and a number when that is taken. */
function freeAlias(device: Device, used: ReadonlySet<string | undefined>): string {
  const natural = device.kind.names(device.leaves).find((name) => name !== undefined && name !== '');
  const stem = (natural ?? device.kind.element).replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 50);
  for (let n = 1; ; n++) {
    const alias = `ua-${stem}${n === 1 ? '' : `-${n}`}`;
    if (!used.has(alias)) return alias;
  }
}

/** libvirt takes a second NIC with the same MAC and keeps the last of two boot orders for its own error: both are refused here by name. */
export function assertNoDuplicates({ devices }: DomainDocument): void {
  const seen = new Map<string, Device>();
  for (const device of devices) {
    const claims: Array<[what: string, value: string | undefined]> = [
      ...Object.entries(device.kind.unique).map(([leaf, what]): [string, string | undefined] => [
        `${device.kind.element} ${what}`,
        device.leaves.get(leaf)?.toLowerCase(),
      ]),
      ['alias', device.userAlias],
      ['boot order', device.leaves.get('boot/@order')],
    ];
    for (const [what, value] of claims) {
      if (value === undefined) continue;
      const holder = seen.get(`${what} ${value}`);
      if (holder) {
        throw new LibvirtCanonicalError(
          'DEVICE_DUPLICATE',
          `${what} ${value} is used twice, by ${holder.identity} and ${device.identity}`,
          {
            device: device.identity,
            remedy: 'Give each its own',
          },
        );
      }
      seen.set(`${what} ${value}`, device);
    }
  }
}
