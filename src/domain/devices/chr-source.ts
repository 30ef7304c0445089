import type { Leaves } from '../../xml/index.js';
import { specInvalid } from '../values.js';
import {
  type Assignment,
  constant,
  type Field,
  type FieldTable,
  flag,
  integer,
  oneOf,
  seconds,
  text,
  whole,
} from './fields.js';
import type { LiveOnlyRow, NormalizationRule, SupportRow } from './kind.js';
import { cannot, unread } from './rows.js';

/** Where a character device ends on the host: one of the keys up to `spiceport`. libvirt: `type=` and `<source>`. */
export interface ChrSourceSpec {
  /** A new pseudo-terminal; its path shows in the live document. */
  readonly pty?: true | undefined;
  /** Written to this file; see `append`. */
  readonly file?: string | undefined;
  readonly unix?: ChrUnixSpec | undefined;
  readonly tcp?: ChrTcpSpec | undefined;
  readonly udp?: ChrUdpSpec | undefined;
  /** A character device of the host, such as `/dev/ttyS0`. */
  readonly dev?: string | undefined;
  /** A named pipe, or the pair of `<path>.in` and `<path>.out`. */
  readonly pipe?: string | undefined;
  /** What the guest writes is lost, and it reads nothing. */
  readonly null?: true | undefined;
  /** A text console in QEMU's own window. */
  readonly vc?: true | undefined;
  /** QEMU's standard input and output. */
  readonly stdio?: true | undefined;
  /** A channel of this name in the SPICE connection. */
  readonly spiceport?: string | undefined;
  /** With `file`: keeps what the file has, instead of starting it anew at every start. */
  readonly append?: boolean | undefined;
  /** Writes all that the guest says to this file too. `append` is libvirt's choice when left out (qemu.conf). */
  readonly log?: { readonly file: string; readonly append?: boolean | undefined } | undefined;
}

/** With `connect`: tries again when the other side goes away, after so many milliseconds (whole seconds), or never. */
export interface ChrReconnectSpec {
  readonly enabled: boolean;
  readonly timeout?: number | undefined;
}

/** A socket in the file system. */
export interface ChrUnixSpec {
  readonly path?: string | undefined;
  /** `bind`: QEMU listens. `connect` (default): QEMU connects to who listens. */
  readonly mode?: 'bind' | 'connect' | undefined;
  readonly reconnect?: ChrReconnectSpec | undefined;
}

/** A TCP socket. */
export interface ChrTcpSpec {
  readonly host: string;
  readonly port: number;
  /** `bind`: QEMU listens. `connect` (default): QEMU connects to who listens. */
  readonly mode?: 'bind' | 'connect' | undefined;
  /** Default `raw`. */
  readonly protocol?: 'raw' | 'telnet' | 'telnets' | 'tls' | undefined;
  /** TLS with the certificates of qemu.conf. */
  readonly tls?: boolean | undefined;
  readonly reconnect?: ChrReconnectSpec | undefined;
}

/** A UDP socket: where QEMU sends to, and where it receives. */
export interface ChrUdpSpec {
  readonly connect: { readonly host?: string | undefined; readonly port: number };
  readonly bind?: { readonly host?: string | undefined; readonly port: number } | undefined;
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
    reconnect: whole<ChrReconnectSpec>(
      {
        enabled: flag(`${at}source/reconnect/@enabled`),
        timeout: seconds(`${at}source/reconnect/@timeout`),
      },
      { required: ['enabled'] },
    ),
  };
  return {
    pty: constant(type('pty'), only),
    file: text(`${at}source/@path`, { ...path, alongside: type('file') }),
    unix: whole<ChrUnixSpec>({ path: text(`${at}source/@path`, path), ...connection }, { alongside: [type('unix')] }),
    tcp: whole<ChrTcpSpec>(
      {
        host: text(`${at}source/@host`),
        port: port(`${at}source/@service`),
        protocol: oneOf(`${at}protocol/@type`, ['raw', 'telnet', 'telnets', 'tls']),
        tls: flag(`${at}source/@tls`),
        ...connection,
      },
      { alongside: [type('tcp')], required: ['host', 'port'] },
    ),
    udp: udpField(at, type('udp')),
    dev: text(`${at}source/@path`, { ...path, alongside: type('dev') }),
    pipe: text(`${at}source/@path`, { ...path, alongside: type('pipe') }),
    null: constant(type('null'), only),
    vc: constant(type('vc'), only),
    stdio: constant(type('stdio'), only),
    spiceport: text(`${at}source/@channel`, { alongside: type('spiceport') }),
    append: flag(`${at}source/@append`, 'on', 'off'),
    log: whole<NonNullable<ChrSourceSpec['log']>>(
      { file: text(`${at}log/@file`, path), append: flag(`${at}log/@append`, 'on', 'off') },
      { required: ['file'] },
    ),
  };
}

/** A source within a device that has other parts; `tag` says that it is there, `more` are sources of that device alone. */
export function chrSource<S extends ChrSourceSpec = ChrSourceSpec>(
  tag: Assignment,
  at: string,
  more: Partial<FieldTable<S>> = {},
): Field<S> {
  const exactlyOne = [...CHR_SOURCES, ...Object.keys(more)] as Array<keyof S & string>;
  const source = whole<S>({ ...chrSourceFields(at), ...more } as unknown as FieldTable<S>, {
    alongside: [tag],
    exactlyOne,
  });
  return {
    ...source,
    encode(value, where) {
      const assignments = source.encode(value, where);
      checkChrSource(new Map(assignments), where, { at });
      return assignments;
    },
  };
}

/** UDP has two `<source>`s told apart by their `mode`; libvirt writes the one that receives first. */
function udpField(at: string, tag: Assignment): Field<ChrUdpSpec> {
  const end = (source: string, mode: keyof ChrUdpSpec) =>
    whole<ChrUdpSpec['connect']>(
      { host: text(`${source}/@host`), port: port(`${source}/@service`) },
      { alongside: [[`${source}/@mode`, mode]], required: ['port'] },
    );
  const [first, second] = [`${at}source`, `${at}source[2]`];
  const udp = (to: string): Field<ChrUdpSpec> =>
    whole<ChrUdpSpec>(
      { connect: end(to, 'connect'), bind: end(first, 'bind') },
      { alongside: [tag], required: ['connect'] },
    );
  return {
    ...udp(first),
    paths: [first],
    encode: (value, where) =>
      value?.bind === undefined
        ? udp(first).encode(value, where)
        : udp(second).encode({ bind: value.bind, ...value }, where),
    decode: (leaves) => udp(leaves.get(`${first}/@mode`) === 'connect' ? first : second).decode(leaves),
  };
}

/** Sources that QEMU's chardev-add does not have: devices with them come at a cold boot only, but go like others. */
export function coldSources(at = ''): SupportRow {
  const reason = 'a character device of this type cannot be hot-plugged';
  const where = { [`${at}@type`]: ['spiceport', 'pipe', 'stdio', 'nmdm'] };
  return cannot('attach', 'live', reason, 'qemuMonitorJSONAttachCharDevGetProps', where);
}

/** What a character device writes into its live document. */
export function chrLiveOnly(at = ''): readonly LiveOnlyRow[] {
  return [
    { path: `${at}source/@path`, where: { [`${at}@type`]: ['pty'] } },
    { path: `${at}source/@tty` },
    { path: `${at}source/@tls`, persistable: true },
    { path: '@tty' },
  ];
}

/** How libvirt writes a source. */
export function chrNormal(at = ''): readonly NormalizationRule[] {
  const source = 'virDomainChrSourceDefFormat: only a TCP socket has a protocol';
  const only = (paths: readonly string[], ...types: string[]) =>
    unread(
      'virDomainChrSourceDefFormat',
      paths.map((path) => `${at}source/${path}`),
      { [`${at}@type`]: types },
    );
  return [
    { path: `${at}protocol/@type`, asked: /^raw$/, there: 'nothing', source },
    ...unread(source, [`${at}protocol`], { [`${at}@type`]: ['tcp'] }),
    ...unread('virDomainChrSourceDefParseXML', [`${at}source/@type`, `${at}source/seclabel/@type`]),
    ...only(['@path'], 'pty', 'dev', 'file', 'pipe', 'unix'),
    // With its path, which a pty has only while it runs.
    ...only(['seclabel', 'seclabel[2]'], 'dev', 'file', 'pipe', 'unix'),
    ...only(['@host', '@service'], 'tcp', 'udp'),
    ...only(['@mode'], 'tcp', 'udp', 'unix'),
    ...only(['@tls'], 'tcp'),
    ...only(['@append'], 'file'),
    ...only(['@channel'], 'spiceport', 'dbus'),
    ...only(['@master', '@slave'], 'nmdm'),
    ...only(['clipboard', 'mouse'], 'qemu-vdagent'),
    ...only(['reconnect'], 'tcp', 'unix'),
    {
      path: `${at}source/reconnect/@timeout`,
      where: { [`${at}source/reconnect/@enabled`]: ['no'] },
      there: 'nothing',
      source: 'virDomainChrSourceReconnectDefFormat',
    },
    {
      path: new RegExp(`^${at}source(\\[\\d+\\])?/seclabel(\\[\\d+\\])?/@labelskip$`),
      there: 'nothing',
      source: 'virSecurityDeviceLabelDefFormat: a running domain has it',
    },
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
  if (type === undefined) throw specInvalid(where, 'it has no source', `Give one of ${sources.join(', ')}`);
  if (type === 'unix' && !autoPath && !leaves.has(`${at}source/@path`)) {
    throw specInvalid(
      `${where}.unix.path`,
      'is missing',
      'libvirt makes a socket of its own for a virtio channel only',
    );
  }
  if (leaves.has(`${at}source/@append`) && type !== 'file') throw specInvalid(`${where}.append`, 'goes with file only');
  if (leaves.has(`${at}source/reconnect/@enabled`) && leaves.get(`${at}source/@mode`) === 'bind') {
    throw specInvalid(`${where}.${type}.reconnect`, 'goes with mode connect only', 'Who listens does not connect');
  }
}
