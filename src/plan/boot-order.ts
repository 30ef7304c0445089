import { bootWords, type Device, DomainDocument, devicesToBoot } from '../domain/index.js';
import { removeAll, setAt } from '../xml/index.js';
import type { Draft } from './draft.js';
import { restoreBootOrder, useTemporaryBootOrder } from './update.js';

/**
 * Keeps one boot order in the domain while all devices that have one leave and others bring theirs later in the plan:
 * without any, libvirt writes `<os><boot>` and refuses per-device boot order for good. A device that stays gets a free
 * number meanwhile. Returns what gives it back; undefined when there is no need, or nothing that could hold it.
 */
export function holdBootOrder(draft: Draft, leaving: readonly Device[]): (() => void) | undefined {
  const { canonical } = draft.context;
  const gone = new Set(leaving.map(({ identity }) => identity));
  const holders = [...draft.bootOrders.keys()];
  if (canonical.hasOsBoot || holders.length === 0 || holders.some((identity) => !gone.has(identity))) return undefined;
  if (draft.requestedBootOrders.size === 0) return undefined;
  const staying = canonical.devices.filter(
    (device) => !gone.has(device.identity) && device.kind.updateConfig && 'boot' in device.kind.fields,
  );
  const own = staying.find(({ identity }) => draft.requestedBootOrders.has(identity));
  const holder = own ?? staying[0];
  if (!holder) return undefined;
  useTemporaryBootOrder(draft, holder.identity, 'keeps a boot order in the domain while others go and come');
  return own ? undefined : () => restoreBootOrder(draft, holder.identity, 'others have boot orders again');
}

/** An update of one device in place. */
export interface Update {
  readonly identity: string;
  readonly run: () => void;
}

/** Updates in an order in which as few devices as can be have to make room: whoever has the number that another wants goes first. */
export function byBootOrder({ bootOrders, requestedBootOrders }: Draft, updates: readonly Update[]): Update[] {
  const byIdentity = new Map(updates.map((update) => [update.identity, update]));
  const holders = new Map([...bootOrders].map(([identity, order]) => [order, identity]));
  const ordered: Update[] = [];
  const visited = new Set<Update>();
  for (const first of updates) {
    // A chain of devices, each of which wants the number that the next one has.
    const chain: Update[] = [];
    let next: Update | undefined = first;
    while (next && !visited.has(next)) {
      visited.add(next);
      chain.push(next);
      const wanted = requestedBootOrders.get(next.identity);
      next = wanted === undefined ? undefined : byIdentity.get(holders.get(wanted) ?? '');
    }
    ordered.push(...chain.reverse());
  }
  return ordered;
}

/** The desired document with what `<os><boot>` says at the devices it means, for a domain whose devices have the orders. */
export function withBootOrders(desired: DomainDocument, canonical: DomainDocument): DomainDocument {
  const words = bootWords(desired);
  if (canonical.hasOsBoot || words.length === 0) return desired;
  const document = new DomainDocument(desired.toString());
  const wanted = document.devices.some(({ leaves }) => leaves.has('boot/@order')) ? [] : devicesToBoot(document, words);
  for (const [index, { element }] of wanted.entries()) setAt(element, 'boot/@order', String(index + 1));
  removeAll(document.root, 'os/boot');
  return new DomainDocument(document.toString());
}
