import { addressText, type Device, DomainDocument, isImplicit, shownXml, Topology } from '../domain/index.js';
import { checkArgument, checkOptions, TEXT } from '../options.js';
import type { AskedBy, AtNextBoot, DomainTopology, TopologyDevice } from '../picture/index.js';
import { Intent } from '../plan/index.js';
import { madeBy, topologyBuses } from './buses.js';
import { type PendingChange, type PendingContext, pendingOf } from './pending.js';
import { type Sighting, sightingsOf } from './sightings.js';

/** What {@link topology} may be told beside the documents. */
export interface TopologyOptions {
  /** Version of the libvirt that the documents are from, as semver: it decides what `reason` says. Default: the newest. */
  readonly libvirtVersion?: string;
}

/**
 * Returns where every device of a domain sits: buses, their places taken and free, and what the next cold boot does with each
 * device. A pure function over the canonical and the live document; the domain is off without a live one. `domain.topology()` reads
 * both first. Errors: `ARGUMENT_INVALID`; `XML_MALFORMED`, `XML_FORBIDDEN`,
 * `XML_LIMIT` for a text that is not a document.
 *
 * @example
 * const picture = topology(await readFile('web1.xml', 'utf8'));
 * await writeFile('web1.svg', topologySvg(picture));
 */
export function topology(canonical: string, live?: string, options: TopologyOptions = {}): DomainTopology {
  checkArgument('topology', 'canonical', canonical, DOCUMENT);
  if (live !== undefined) checkArgument('topology', 'live', live, DOCUMENT);
  checkOptions<TopologyOptions>('topology', options, { libvirtVersion: TEXT });
  return topologyOf({
    canonical: new DomainDocument(canonical),
    live: live === undefined ? undefined : new DomainDocument(live),
    versions: { libvirt: options.libvirtVersion ?? NEWEST },
  });
}

const DOCUMENT = { ...TEXT, takes: 'domain XML' };
/** Later than every version that a table names. */
const NEWEST = '999.0.0';

/** The topology of a domain, from the documents that were read. */
export function topologyOf(context: PendingContext): DomainTopology {
  const { canonical, live } = context;
  const places = new Topology(canonical, live);
  const sightings = sightingsOf(canonical, live);
  const pending = new Map(pendingOf(context, undefined).changes.map((each) => [each.subject, each]));
  const intent = Intent.read(canonical);
  return {
    formatVersion: 1,
    domain: {
      name: canonical.name,
      uuid: canonical.uuid,
      title: canonical.value('title'),
      machine: canonical.machine,
      running: live !== undefined,
    },
    buses: topologyBuses(sightings, places),
    devices: sightings.map((each) => topologyDevice(each, pending.get(each.known.identity), intent, context)),
    capacity: places.capacity(),
  };
}

function topologyDevice(
  { identity, canonical, live, known }: Sighting,
  pending: PendingChange | undefined,
  intent: Intent | undefined,
  context: PendingContext,
): TopologyDevice {
  const address = canonical?.address && addressText(canonical.address);
  const liveAddress = live?.address && addressText(live.address);
  const moves = address !== undefined && liveAddress !== undefined && address !== liveAddress;
  const atNextBoot: AtNextBoot =
    context.live === undefined
      ? 'stays'
      : !live
        ? 'comes'
        : !canonical
          ? 'goes'
          : moves
            ? 'moves'
            : pending
              ? 'changes'
              : 'stays';
  return {
    identity,
    kind: known.kind.element,
    id: known.userAlias?.slice(3),
    detail: detailOf(known),
    address,
    liveAddress,
    in: canonical && live ? 'both' : canonical ? 'canonical' : 'live',
    atNextBoot,
    changes: pending?.changes ?? [],
    reason: atNextBoot === 'stays' ? undefined : pending?.reason,
    askedBy: askedBy(known, context.canonical, intent),
    makes: madeBy(known),
    xml: shownXml(known),
  };
}

/** Where kinds say which model they are, the first that is there. */
const MODELS = ['@model', 'model/@type', 'model/@name', 'target/@bus', 'backend/@model', '@bus', '@type'];

/** What an operator tells a device by beside its identity. */
function detailOf({ identity, kind, leaves, name }: Device): string {
  const model = MODELS.map((path) => leaves.get(path)).find((value) => value !== undefined && value !== '');
  const told = [kind.names(leaves)[0] ?? name, model].filter((each) => each !== undefined && each !== '');
  return told.filter((each, at) => told.indexOf(each) === at && !identity.includes(each as string)).join(' ');
}

/** By the intent if that knows it; else by what libvirt adds to such a domain. */
function askedBy(device: Device, canonical: DomainDocument, intent: Intent | undefined): AskedBy {
  if (intent?.owns(device)) return 'intent';
  const { kind, userAlias } = device;
  const ofMachine = kind.element === 'controller' || isImplicit(device, canonical);
  return userAlias === undefined && ofMachine ? 'libvirt' : 'another-client';
}
