import { readdirSync, readFileSync } from 'node:fs';
import { type Device, DomainDocument, domainLeaves } from '../../../src/domain/index.js';
import { type Element, leaves, select, serialize, setAt } from '../../../src/xml/index.js';
import { fixture, fixtureNames } from '../../support/fixtures.js';

/**
 * Documents by name. `q35.xml` is libvirt 9.0's own dump of a domain with all that it takes on x86; `newer.xml` is written
 * by hand for what needs a newer libvirt or another host. The rest are the dumps of test/fixtures.
 */
const HERE = new URL('../../../../test/domain/guest-abi/fixtures/', import.meta.url);
export const documents: ReadonlyMap<string, string> = new Map([
  ...readdirSync(HERE).map((name): [string, string] => [`abi/${name}`, readFileSync(new URL(name, HERE), 'utf8')]),
  ...fixtureNames.map((name): [string, string] => [name, fixture(name)]),
]);

/** One value of a document: of a device by its place in the list, or of the domain. */
export interface Place {
  readonly device: number | undefined;
  readonly path: string;
  readonly value: string;
}

/** Every value of a document. */
export function placesOf(document: DomainDocument): Place[] {
  const filters = select(document.root, 'devices/redirfilter').flatMap((filter) =>
    [...leaves(filter)].map(([path, value]): [string, string] => [`devices/redirfilter/${path}`, value]),
  );
  const domain = [...domainLeaves(document), ...filters].map(([path, value]) => ({ device: undefined, path, value }));
  const devices = document.devices.flatMap(({ leaves }, device) =>
    [...leaves].map(([path, value]) => ({ device, path, value })),
  );
  return [...domain, ...devices];
}

/** The document with another value at one place, or without it where it is an empty element. */
export function mutated(xml: string, { device, path, value }: Place): DomainDocument {
  const document = new DomainDocument(xml);
  const holder: Element = device === undefined ? document.root : (document.devices[device] as Device).element;
  setAt(holder, path, other(path, value));
  return new DomainDocument(serialize(document.root));
}

/** Far enough off not to be what another device has. */
function other(path: string, value: string): string | undefined {
  if (value === '' && !path.includes('@')) return undefined;
  if (/^\d+$/.test(value)) return String(BigInt(value) + 97n);
  if (/^0x[0-9a-f]+$/.test(value)) return `0x${(BigInt(value) + 97n).toString(16).padStart(value.length - 2, '0')}`;
  if (path.endsWith('mac/@address')) return value.replace(/.$/, (digit) => (digit === 'f' ? 'e' : 'f'));
  return `${value}x`;
}
