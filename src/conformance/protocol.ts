/**
 * The protocol between the kit and a driver: one JSON object on a line, requests on the driver's stdin, answers on its stdout,
 * one answer for each request, in order. Nothing here does anything; docs/conformance.md has the same for people.
 */
import { LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';

/** Raised when a request changes its meaning; operations and fields may come without that. */
export const PROTOCOL = 1;

/** What a driver may offer beyond `define`, `start`, `attach`, `detach` and a cold and a hard `reboot`. */
export const CAPABILITIES = ['update', 'next-boot', 'guest-reboot', 'migrate'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** A disk as the kit asks for it. The guest knows it by its serial. */
export interface KitDisk {
  readonly id: string;
  /** `vdb`: what it is called on the virtio bus. */
  readonly target: string;
  /** Path of an image that exists. */
  readonly file: string;
  readonly format: 'qcow2';
  readonly serial: string;
  readonly boot?: number;
}

/** A virtio NIC of `<interface type='user'>` as the kit asks for it. The guest knows it by its MAC. */
export interface KitInterface {
  readonly id: string;
  readonly mac: string;
}

export type KitDevice = { readonly disk: KitDisk } | { readonly interface: KitInterface };

/** The domain that a driver is to define, in words. The `xml` beside it says the same; a driver takes what suits it. */
export interface KitDomain {
  readonly name: string;
  readonly uuid: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly machine: 'q35';
  /** How many `pcie-root-port`s it is to have. */
  readonly ports: number;
  /** What it boots: direct kernel boot. */
  readonly kernel: { readonly path: string; readonly initrd: string; readonly cmdline: string };
  /** Two `<serial>` elements, by which the guest is heard: to be in the domain as they are, in this order. */
  readonly serials: readonly string[];
  readonly disks: readonly KitDisk[];
  readonly interfaces: readonly KitInterface[];
}

/** Which domain of which host: in every request but `hello`, so that a driver need not remember it. */
export interface Where {
  /** A libvirt URI: `qemu+unix:///session?socket=…`. */
  readonly host: string;
  readonly name: string;
}

export interface Operations {
  /** The first request after each start of the driver. `state` is a folder that is its own and outlives it. */
  hello: { readonly protocol: number; readonly state: string };
  /** Makes a domain that does not exist yet, and does not start it. */
  define: Where & { readonly domain: KitDomain; readonly xml: string };
  start: Where;
  /** `both`: in the running guest and from its next boot on. `next-boot`: not in the running guest. */
  attach: Where & { readonly device: KitDevice; readonly when: 'both' | 'next-boot' };
  detach: Where & { readonly device: KitDevice };
  update: Where & { readonly device: KitDevice; readonly set: { readonly link: 'up' | 'down' } };
  /** `guest`: the machine goes on and the system in it boots anew; `cold`: shut down and started; `hard`: pulled and started. */
  reboot: Where & { readonly mode: 'guest' | 'cold' | 'hard' };
  /** Live to another host: `to` is its URI, `uri` the migration URI, `paths` prefixes of paths that are others there. */
  migrate: Where & { readonly to: string; readonly uri: string; readonly paths: Readonly<Record<string, string>> };
}

export type Operation = keyof Operations;
export const OPERATIONS: readonly Operation[] = [
  'hello',
  'define',
  'start',
  'attach',
  'detach',
  'update',
  'reboot',
  'migrate',
];

export type Request = {
  [Do in Operation]: { readonly id: number; readonly do: Do } & Operations[Do];
}[Operation];

/** What a driver says it is. */
export interface Hello {
  readonly name: string;
  readonly version?: string;
  readonly capabilities: readonly Capability[];
}

/** What a driver says it did. The kit holds all of it to the witnesses. */
export interface Done {
  /** Where the device is from now on, `0000:05:00.0`: if it is told it has to be true. */
  readonly place?: string;
}

/** What came of a request: done; refused before anything was changed, with the reason; or failed. */
export type Claim =
  | { readonly claim: 'done'; readonly place?: string }
  | { readonly claim: 'refused' | 'failed'; readonly why: string };

/**
 * Reads a driver's answer to the request with that id.
 *
 * @throws LibvirtCanonicalError `PROTOCOL_VIOLATION`: what is wrong with it
 */
export function readAnswer(line: string, id: number): { readonly done?: unknown; readonly claim: Claim } {
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(line);
  } catch (cause) {
    throw violation(`is not JSON: ${line.slice(0, 80)}`, 'Print nothing but answers on stdout; stderr is free', cause);
  }
  if (typeof answer !== 'object' || answer === null) throw violation('is no object');
  if (answer.id !== id) throw violation(`has the id ${JSON.stringify(answer.id)} instead of ${id}`);
  const outcomes = (['done', 'refused', 'failed'] as const).filter((name) => answer[name] !== undefined);
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length > 1)
    throw violation(`has ${outcomes.join(' and ') || 'neither'}`, 'One of done, refused and failed has to be there');
  if (outcome !== 'done') return { claim: { claim: outcome, why: String(answer[outcome]) } };
  const { done } = answer;
  if (typeof done !== 'object' || done === null) throw violation('has a done that is no object');
  const { place } = done as Done;
  if (place !== undefined && !/^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(String(place)))
    throw violation(`has the place ${JSON.stringify(place)}`, 'A place is written as 0000:05:00.0');
  return { done, claim: { claim: 'done', ...(place === undefined ? {} : { place }) } };
}

/** Reads the answer to `hello`. @throws LibvirtCanonicalError `PROTOCOL_VIOLATION` */
export function readHello(done: unknown): Hello {
  const { name, version, capabilities } = (done ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') throw violation('to hello has no name');
  if (version !== undefined && typeof version !== 'string') throw violation('to hello has a version that is no text');
  if (!Array.isArray(capabilities)) throw violation('to hello has no list of capabilities');
  for (const word of capabilities)
    if (!CAPABILITIES.includes(word))
      throw violation(
        `to hello has the capability ${JSON.stringify(word)}`,
        `${meant(word, CAPABILITIES)}There are ${CAPABILITIES.join(', ')}`,
      );
  return { name, ...(version === undefined ? {} : { version }), capabilities };
}

function violation(what: string, remedy?: string, cause?: unknown): LibvirtCanonicalError {
  return new LibvirtCanonicalError('PROTOCOL_VIOLATION', `The driver's answer ${what}`, {
    ...(remedy === undefined ? {} : { remedy }),
    ...(cause === undefined ? {} : { cause }),
  });
}
