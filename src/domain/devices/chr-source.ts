import type { Leaves } from '../../xml/index.js';
import { describe, invalid } from '../values.js';
import {
  type Assignment,
  constant,
  encodeSpec,
  type Field,
  type FieldTable,
  flag,
  group,
  integer,
  oneOf,
  seconds,
  tagged,
  text,
} from './fields.js';
import type { LiveOnlyRow } from './kind.js';

/** Where a character device ends on the host: one of the keys up to `spiceport`. libvirt: `type=` and `<source>`. */
export interface ChrSourceSpec {
  /** A new pseudo-terminal; its path shows in the live document. */
  readonly pty?: true;
  /** Written to this file; see `append`. */
  readonly file?: string;
  readonly unix?: ChrUnixSpec;
  readonly tcp?: ChrTcpSpec;
  readonly udp?: ChrUdpSpec;
  /** A character device of the host, such as `/dev/ttyS0`. */
  readonly dev?: string;
  /** A named pipe, or the pair of `<path>.in` and `<path>.out`. */
  readonly pipe?: string;
  /** What the guest writes is lost, and it reads nothing. */
  readonly null?: true;
  /** A text console in QEMU's own window. */
  readonly vc?: true;
  /** QEMU's standard input and output. */
  readonly stdio?: true;
  /** A channel of this name in the SPICE connection. */
  readonly spiceport?: string;
  /** With `file`: keeps what the file has, instead of starting it anew at every start. */
  readonly append?: boolean;
  /** Writes all that the guest says to this file too. `append` is libvirt's choice when left out (qemu.conf). */
  readonly log?: { readonly file: string; readonly append?: boolean };
}

/** A socket in the file system. */
export interface ChrUnixSpec {
  readonly path?: string;
  /** `bind`: QEMU listens. `connect` (default): QEMU connects to who listens. */
  readonly mode?: 'bind' | 'connect';
  /** With `connect`: milliseconds, in whole seconds, after which QEMU tries again. */
  readonly reconnect?: number;
}

/** A TCP socket. */
export interface ChrTcpSpec {
  readonly host: string;
  readonly port: number;
  /** `bind`: QEMU listens. `connect` (default): QEMU connects to who listens. */
  readonly mode?: 'bind' | 'connect';
  /** Default `raw`. */
  readonly protocol?: 'raw' | 'telnet' | 'telnets' | 'tls';
  /** TLS with the certificates of qemu.conf. */
  readonly tls?: boolean;
  /** With `connect`: milliseconds, in whole seconds, after which QEMU tries again. */
  readonly reconnect?: number;
}

/** A UDP socket: where QEMU sends to, and where it receives. */
export interface ChrUdpSpec {
  readonly connect: { readonly host?: string; readonly port: number };
  readonly bind?: { readonly host?: string; readonly port: number };
}

/** The keys of which one says what the source is. */
export const CHR_SOURCES = [
  'pty',
  'file',
  'unix',
  'tcp',
  'udp',
  'dev',
  'pipe',
  'null',
  'vc',
  'stdio',
  'spiceport',
] as const satisfies ReadonlyArray<keyof ChrSourceSpec>;

const path = { pattern: /^\//, expected: 'an absolute path' };
const port = (at: string) => integer(at, { min: 1, max: 65535 });

/** The fields of {@link ChrSourceSpec}; `at` is the element that has the `type`, with a slash, when not the device's own. */
export function chrSourceFields(at = ''): FieldTable<ChrSourceSpec> {
  const type = (word: string): Assignment => [`${at}@type`, word];
  const only = 'Leave it out to have another source';
  const connection = {
    mode: oneOf(`${at}source/@mode`, ['bind', 'connect']),
    reconnect: seconds(`${at}source/reconnect/@timeout`, [`${at}source/reconnect/@enabled`, 'yes']),
  };
  return {
    pty: constant(type('pty'), only),
    file: text(`${at}source/@path`, { ...path, alongside: type('file') }),
    unix: tagged<ChrUnixSpec>(type('unix'), { path: text(`${at}source/@path`, path), ...connection }),
    tcp: tagged<ChrTcpSpec>(
      type('tcp'),
      {
        host: text(`${at}source/@host`),
        port: port(`${at}source/@service`),
        protocol: oneOf(`${at}protocol/@type`, ['raw', 'telnet', 'telnets', 'tls']),
        tls: flag(`${at}source/@tls`),
        ...connection,
      },
      ['host', 'port'],
    ),
    udp: udpField(at, type('udp')),
    dev: text(`${at}source/@path`, { ...path, alongside: type('dev') }),
    pipe: text(`${at}source/@path`, { ...path, alongside: type('pipe') }),
    null: constant(type('null'), only),
    vc: constant(type('vc'), only),
    stdio: constant(type('stdio'), only),
    spiceport: text(`${at}source/@channel`, { alongside: type('spiceport') }),
    append: flag(`${at}source/@append`, 'on', 'off'),
    log: logField(at),
  };
}

/** A source within a device that has other parts; `tag` says that it is there, `more` are sources of that device alone. */
export function chrSource<S extends ChrSourceSpec = ChrSourceSpec>(
  tag: Assignment,
  at: string,
  more: Partial<FieldTable<S>> = {},
): Field<S> {
  const source = tagged<S>(tag, { ...chrSourceFields(at), ...more } as unknown as FieldTable<S>);
  const sources = [...CHR_SOURCES, ...Object.keys(more)];
  return {
    ...source,
    encode(value, where) {
      const assignments = source.encode(value, where);
      const named = sources.filter((key) => value[key as keyof S] !== undefined);
      if (named.length > 1) throw invalid(where, `${named.join(' and ')} exclude each other`);
      checkChrSource(new Map(assignments), where, { at, sources });
      return assignments;
    },
  };
}

function logField(at: string): Field<NonNullable<ChrSourceSpec['log']>> {
  const fields = group<NonNullable<ChrSourceSpec['log']>>({
    file: text(`${at}log/@file`, path),
    append: flag(`${at}log/@append`, 'on', 'off'),
  });
  return {
    ...fields,
    encode(value, where) {
      const assignments = fields.encode(value, where);
      if (value.file === undefined) throw invalid(`${where}.file`, 'is missing');
      return assignments;
    },
  };
}

/** UDP has two `<source>`s told apart by their `mode`. */
function udpField(at: string, tag: Assignment): Field<ChrUdpSpec> {
  const end = (source: string, mode: string) =>
    tagged<ChrUdpSpec['connect']>(
      [`${source}/@mode`, mode],
      { host: text(`${source}/@host`), port: port(`${source}/@service`) },
      ['port'],
    );
  const first = `${at}source`;
  const second = `${at}source[2]`;
  const members = { connect: end(first, 'connect'), bind: end(first, 'bind') };
  return {
    paths: [first],
    members: members as unknown as Readonly<Record<string, Field<unknown>>>,
    encode(value, where) {
      // Checks what is there at all; the places are settled below.
      encodeSpec(members as FieldTable<ChrUdpSpec>, value, where);
      const { bind, connect } = value;
      if (connect === undefined) throw invalid(`${where}.connect`, `${describe(connect)} is no place to send to`);
      const to = end(bind ? second : first, 'connect').encode(connect, `${where}.connect`);
      return [tag, ...(bind ? members.bind.encode(bind, `${where}.bind`) : []), ...to];
    },
    decode(leaves) {
      if (leaves.get(tag[0]) !== tag[1]) return undefined;
      const found = (mode: 'bind' | 'connect') => end(first, mode).decode(leaves) ?? end(second, mode).decode(leaves);
      const [bind, connect] = [found('bind'), found('connect')];
      return connect && { connect, ...(bind ? { bind } : {}) };
    },
  };
}

/** What a character device writes into its live document. */
export function chrLiveOnly(at = ''): readonly LiveOnlyRow[] {
  return [
    { path: `${at}source/@path`, where: { [`${at}@type`]: ['pty'] } },
    { path: `${at}source/@tty` },
    { path: '@tty' },
  ];
}

/** Refuses a device without a source, and fields that its source does not have. `autoPath`: libvirt chooses a socket. */
export function checkChrSource(
  leaves: Leaves,
  where: string,
  {
    at = '',
    autoPath = false,
    sources = CHR_SOURCES,
  }: { at?: string; autoPath?: boolean; sources?: readonly string[] } = {},
): void {
  const type = leaves.get(`${at}@type`);
  if (type === undefined) throw invalid(where, 'it has no source', `Give one of ${sources.join(', ')}`);
  if (type === 'unix' && !autoPath && !leaves.has(`${at}source/@path`)) {
    throw invalid(`${where}.unix.path`, 'is missing', 'libvirt makes a socket of its own for a virtio channel only');
  }
  if (leaves.has(`${at}source/@append`) && type !== 'file') throw invalid(`${where}.append`, 'goes with file only');
  if (leaves.has(`${at}source/reconnect/@timeout`) && leaves.get(`${at}source/@mode`) === 'bind') {
    throw invalid(`${where}.${type}.reconnect`, 'goes with mode connect only', 'Who listens does not connect');
  }
}
