import {
  addressLeaves,
  type Device,
  DomainDocument,
  type ObservedDomain,
  type Operation,
  readDevice,
  Topology,
  wireArguments,
} from '../../src/domain/index.js';
import type { Plan } from '../../src/plan/index.js';
import { child, parseElement, parseXml, serialize, setAt } from '../../src/xml/index.js';

/** Thrown when an operation is one that libvirt would not take at that moment. */
export class PaperError extends Error {}

/**
 * A libvirt of paper: makes the calls of a plan on documents alone, each on what the ones before it left, and refuses what
 * the real one would: a target, MAC, alias, boot order or place twice, a bus that is not there, a last boot order gone.
 */
export function applyOnPaper(context: ObservedDomain, { operations, refusals }: Plan): ObservedDomain {
  if (refusals.length > 0) throw new PaperError(`refused: ${refusals[0]?.reason}`);
  return operations.reduce((now, operation) => afterOperation(now, operation), context);
}

/** The same domain, cold-booted: what was pending has taken effect. */
export function rebootOnPaper(context: ObservedDomain): ObservedDomain {
  return context.live ? { ...context, live: running(context.canonical.xml) } : context;
}

/** A live document of a canonical one: with an id, and libvirt's own aliases. */
export function running(xml: string): DomainDocument {
  const document = parseXml(xml);
  const root = document.documentElement as DomainDocument['root'];
  root.setAttribute('id', '7');
  const devices = child(root, 'devices') as DomainDocument['root'];
  for (const [n, node] of Array.from(devices.childNodes).entries())
    if (node.nodeType === 1 && node.nodeName !== 'emulator' && !child(node as typeof root, 'alias'))
      setAt(node as typeof root, 'alias/@name', `dev${n}`);
  return new DomainDocument(serialize(root));
}

function afterOperation(context: ObservedDomain, operation: Operation): ObservedDomain {
  const { call } = operation;
  const flags = 'flags' in call.args ? call.args.flags : 2;
  const side = (document: DomainDocument, live: boolean): DomainDocument => {
    const root = parseXml(document.xml).documentElement as DomainDocument['root'];
    change(root, operation, live);
    const after = new DomainDocument(serialize(root));
    check(after, operation, document, live);
    return after;
  };
  const { canonical, live } = context;
  if (flags & 1 && !live) throw new PaperError('the domain is not running');
  return {
    ...context,
    canonical: flags & 2 ? side(canonical, false) : canonical,
    live: live && flags & 1 ? side(live, true) : live,
  };
}

function change(root: DomainDocument['root'], { call, subject }: Operation, live: boolean): void {
  const devices = child(root, 'devices') as DomainDocument['root'];
  const owner = root.ownerDocument as NonNullable<typeof root.ownerDocument>;
  const elements = () => Array.from(devices.childNodes).filter((node): node is typeof root => node.nodeType === 1);
  const find = (xml: string): typeof root => {
    const asked = readDevice(parseElement(xml));
    const { devices: all } = new DomainDocument(serialize(root));
    const real = elements().filter(({ nodeName }) => nodeName !== 'emulator' && nodeName !== 'redirfilter');
    const at = all.findIndex((device) => same(device, asked));
    const found = real[at];
    if (!found) throw new PaperError(`no such device: ${subject}`);
    return found;
  };
  switch (call.procedure) {
    case 'DOMAIN_ATTACH_DEVICE_FLAGS': {
      const element = owner.importNode(parseElement(call.args.xml), true);
      if (live && !child(element, 'alias')) {
        let n = 0;
        while (elements().some((each) => child(each, 'alias')?.getAttribute('name') === `hot${n}`)) n++;
        setAt(element, 'alias/@name', `hot${n}`);
      }
      if (!live) seat(element, devices);
      devices.appendChild(element);
      return;
    }
    case 'DOMAIN_DETACH_DEVICE_FLAGS':
      devices.removeChild(find(call.args.xml));
      return;
    case 'DOMAIN_DETACH_DEVICE_ALIAS': {
      const found = elements().find((each) => child(each, 'alias')?.getAttribute('name') === call.args.alias);
      if (!found) throw new PaperError(`no alias ${call.args.alias}`);
      devices.removeChild(found);
      return;
    }
    case 'DOMAIN_UPDATE_DEVICE_FLAGS':
      devices.replaceChild(owner.importNode(parseElement(call.args.xml), true), find(call.args.xml));
      return;
    case 'DOMAIN_SET_METADATA': {
      const { type, metadata, key, uri } = call.args;
      if (type < 2) {
        setAt(root, type === 1 ? 'title' : 'description', metadata ?? undefined);
        return;
      }
      const holder = child(root, 'metadata') ?? root.insertBefore(owner.createElement('metadata'), root.firstChild);
      for (const each of Array.from(holder.childNodes)) if (each.namespaceURI === uri) holder.removeChild(each);
      if (metadata === null) return;
      const prefixed = metadata
        .replace(/^<(\w+)/, `<${key}:$1 xmlns:${key}="${uri}"`)
        .replaceAll(/<(\/?)(?=(?:device|freed|intent)\b)(?!\w+:)/g, `<$1${key}:`)
        .replace(/<\/(\w+)>$/, `</${key}:$1>`);
      holder.appendChild(owner.importNode(parseElement(prefixed), true));
      return;
    }
    case 'DOMAIN_SET_VCPUS_FLAGS': {
      const path = call.args.flags & 4 ? 'vcpu' : 'vcpu/@current';
      setAt(root, path, String(call.args.nvcpus));
      return;
    }
    case 'DOMAIN_SET_MEMORY_FLAGS':
      setAt(root, call.args.flags & 4 ? 'memory' : 'currentMemory', String(call.args.memory));
      return;
    default:
      throw new PaperError(`no ${call.procedure} on paper: ${JSON.stringify(wireArguments(call))}`);
  }
}

/** Gives a device the place that libvirt would at the next boot, and the controller for it when there is no room. */
function seat(element: DomainDocument['root'], devices: DomainDocument['root']): void {
  const { address, kind, leaves } = readDevice(element);
  const demand = kind.bus(leaves);
  if (address || !demand || demand.type === 'dimm') return;
  const document = () => new DomainDocument(serialize(devices.parentNode as DomainDocument['root']));
  let place = new Topology(document(), undefined).choose(demand, false);
  if (!place) {
    const type = demand.type === 'drive' ? demand.controller : demand.type;
    const index = document().devices.filter((each) => each.leaves.get('@type') === type).length;
    const bridge = demand.type === 'pci' && demand.slot === 'conventional' ? 'pcie-to-pci-bridge' : 'pcie-root-port';
    const model = type === 'pci' ? ` model='${bridge}'` : '';
    const added = parseElement(`<controller type='${type}' index='${index}'${model}/>`);
    devices.appendChild((devices.ownerDocument as NonNullable<typeof devices.ownerDocument>).importNode(added, true));
    place = new Topology(document(), undefined).choose(demand, false);
  }
  if (place && place.type !== 'other') for (const [path, value] of addressLeaves(place)) setAt(element, path, value);
}

function same(device: Device, asked: Device): boolean {
  if (device.kind.element !== asked.kind.element) return false;
  if (device.userAlias !== undefined || asked.userAlias !== undefined) return device.userAlias === asked.userAlias;
  return device.name.replace(/ #\d+$/, '') === asked.name;
}

/** What the document may not be after a call that touched it, when it was not so before. */
function check(after: DomainDocument, { subject, action }: Operation, before: DomainDocument, live: boolean): void {
  if (action === 'set') return;
  const problems = (document: DomainDocument) => new Set(problemsOf(document, live));
  const old = problems(before);
  for (const problem of problems(after))
    if (!old.has(problem)) throw new PaperError(`${action} ${subject}: ${problem}`);
}

function* problemsOf(document: DomainDocument, live: boolean): Iterable<string> {
  const seen = new Set<string>();
  const controllers = new Set<string>();
  for (const { kind, leaves } of document.devices)
    if (kind.element === 'controller') controllers.add(`${leaves.get('@type')} ${leaves.get('@index') ?? 0}`);
  let ordered = false;
  for (const { kind, leaves, alias, address, identity } of document.devices) {
    const claims = Object.keys(kind.unique).map((leaf) => `${kind.element} ${leaf} ${leaves.get(leaf)?.toLowerCase()}`);
    if (leaves.has('boot/@order')) claims.push(`boot ${leaves.get('boot/@order')}`);
    ordered ||= leaves.has('boot/@order');
    if (alias !== undefined) claims.push(`alias ${alias}`);
    const demand = kind.bus(leaves);
    const type = demand?.type === 'drive' ? demand.controller : demand?.type;
    if (address?.type === 'pci') claims.push(`pci ${address.bus} ${address.slot} ${address.function}`);
    else if (address && address.type !== 'other' && address.type !== 'isa')
      claims.push(`${type} ${JSON.stringify(address)}`);
    for (const claim of claims) {
      if (claim.endsWith(' undefined')) continue;
      if (seen.has(claim)) yield `${claim} twice`;
      seen.add(claim);
    }
    const bus =
      address?.type === 'pci'
        ? `pci ${address.bus}`
        : address && 'controller' in address
          ? `${type} ${address.controller}`
          : undefined;
    if (bus !== undefined && type !== undefined && type !== 'ide' && type !== 'fdc' && !controllers.has(bus))
      yield `${identity} sits on ${bus}, which is not there`;
  }
  if (!live && !ordered && !document.hasOsBoot) yield 'no boot order is left';
}
