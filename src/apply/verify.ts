import {
  type AbiDifference,
  addressText,
  compareGuestAbi,
  type Device,
  type DomainDocument,
  guestAbi,
  HIDDEN,
  kindOrUnknown,
  type Operation,
  perDocument,
  SETTINGS,
  withoutBookkeeping,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { under } from '../xml/index.js';

/** What virDomainSetMetadata writes, as libvirt lays it out. */
const METADATA = /\n {2}<(title|description|metadata)(?: ?\/>|>[\s\S]*?<\/\1>)/g;

/** Both documents at one moment. */
export interface Documents {
  readonly canonical: DomainDocument;
  readonly live: DomainDocument | undefined;
}

/** A device that was not the subject of an operation has changed all the same. `code` is `GUEST_ABI_CHANGED`. */
export class GuestAbiChangedError extends LibvirtCanonicalError {
  override readonly name = 'GuestAbiChangedError';
  readonly differences: readonly AbiDifference[];
  constructor(message: string, differences: readonly AbiDifference[], domain: string) {
    super('GUEST_ABI_CHANGED', `${message}: ${differences.map(differenceText).join('; ')}`, {
      domain,
      remedy: 'Nothing further was done; compare the documents before the guest is started again',
    });
    this.differences = differences;
  }
}

const abiOf = perDocument(guestAbi);

/** One difference in one line. */
export function differenceText({ subject, field, before, after }: AbiDifference): string {
  return `${subject} ${field}: ${before ?? '(none)'} → ${after ?? '(none)'}`;
}

/**
 * Compares both documents before and after an operation. Devices that it does not name must be as they were; the one it
 * names must be as the operation says, at the address it says. Controllers that libvirt adds for it may appear.
 */
export function verifyOperation(
  operation: Omit<Operation, 'inverse'>,
  before: Documents,
  after: Documents,
  times: 'once' | 'perhaps again' = 'once',
): void {
  const { name } = after.canonical;
  for (const side of ['canonical', 'live'] as const) {
    const [a, b] = [before[side], after[side]];
    if (!a || !b || a === b || (operation.call.procedure === 'DOMAIN_SET_METADATA' && sameBesideMetadata(a, b)))
      continue;
    const moved = compareGuestAbi(abiOf(a), abiOf(b)).filter((difference) => !expected(operation, difference, b));
    if (moved.length > 0)
      throw new GuestAbiChangedError(
        `${operation.action} of ${operation.subject} changed more than was asked in the ${side} document`,
        moved,
        name,
      );
  }
  for (const side of sidesOf(operation, after)) {
    const problem =
      outcomeProblem(operation, side, after[side] as DomainDocument) ??
      (times === 'once' ? unchanged(operation, side, before, after) : undefined);
    if (problem)
      throw new LibvirtCanonicalError(
        'APPLY_FAILED',
        `libvirt accepted it, but the ${side} document of ${name} does not show it: ${problem}`,
        { domain: name, device: operation.subject },
      );
  }
}

/** True when nothing but metadata, title and description differs, told by the text: most plans write them, and few documents are short. */
function sameBesideMetadata(a: DomainDocument, b: DomainDocument): boolean {
  const rest = ({ xml }: DomainDocument) => xml.replace(METADATA, '');
  return rest(a) === rest(b);
}

function sidesOf({ scope }: Omit<Operation, 'inverse'>, { live }: Documents): Array<keyof Documents> {
  return [
    ...(scope === 'live' ? [] : (['canonical'] as const)),
    ...(scope === 'config' || !live ? [] : (['live'] as const)),
  ];
}

function expected(operation: Omit<Operation, 'inverse'>, difference: AbiDifference, after: DomainDocument): boolean {
  if (operation.action === 'set')
    return touches(operation.subject).some((path) => under(difference.field, path)) && difference.subject === 'domain';
  const element = operation.subject.split(' ', 1)[0] ?? '';
  if (difference.subject === 'domain' && operation.action !== 'update')
    return (kindOrUnknown(element).touches ?? []).some((path) => under(difference.field, path));
  if (difference.subject === operation.subject) return true;
  if (difference.field !== 'device' || difference.before !== undefined) return false;
  // A new device: the one attached under a name that only libvirt knew, or a controller that it needed.
  const added = after.devices.find((device) => device.identity === difference.subject);
  return operation.action === 'attach' && (added?.kind.element === 'controller' || added?.kind.element === element);
}

function touches(name: string): readonly string[] {
  return SETTINGS[name as keyof typeof SETTINGS]?.touches ?? [];
}

/** What the document lacks of what the operation was to bring about; undefined when nothing. */
function outcomeProblem(
  operation: Omit<Operation, 'inverse'>,
  side: keyof Documents,
  document: DomainDocument,
): string | undefined {
  const { action, subject, changes } = operation;
  const address = operation.address?.replace(/^(dimm \d+)@.*/, '$1');
  if (action === 'set') return undefined;
  const device = document.devices.find((each) => each.identity === subject);
  // Where several have one name, another gets the number of the one that went.
  if (action === 'detach')
    return device && (address === undefined || addressOf(device) === address) ? `${subject} is still there` : undefined;
  // Without a name of its own, a device is found by the address that the plan gave it.
  const found =
    device ?? (address === undefined ? undefined : document.devices.find((each) => addressOf(each) === address));
  if (!found) return address === undefined && /#\d+$/.test(subject) ? undefined : `${subject} is not there`;
  if (address !== undefined && addressOf(found) !== address)
    return `${subject} is at ${addressOf(found)}, not at ${address}`;
  if (action !== 'update' || side === 'live') return undefined;
  const missing = changes.find(
    // libvirt does not write a default that it is told outright.
    ({ path, to }) => to !== undefined && to !== HIDDEN && (found.leaves.get(path) ?? 'default') !== to,
  );
  return missing && `${subject} has ${missing.path} = ${found.leaves.get(missing.path) ?? '(none)'}, not ${missing.to}`;
}

/** A setting that stands in the canonical document must have changed it. */
function unchanged(
  operation: Omit<Operation, 'inverse'>,
  side: keyof Documents,
  before: Documents,
  after: Documents,
): string | undefined {
  if (operation.action !== 'set' || side !== 'canonical') return undefined;
  if (withoutBookkeeping(before.canonical) !== withoutBookkeeping(after.canonical)) return undefined;
  const owns = SETTINGS[operation.subject as keyof typeof SETTINGS]?.owns ?? [];
  return owns.length > 0 ? `nothing of ${owns.join(', ')} has changed` : undefined;
}

/** Of a memory module the slot is what a plan can name; where it begins only the running guest tells. */
function addressOf({ address }: Device): string | undefined {
  return address && addressText(address.type === 'dimm' ? { ...address, base: undefined } : address);
}
