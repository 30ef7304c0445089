import { byteLength } from '#platform';
import { under } from '../../xml/index.js';
import { specInvalid } from '../values.js';
import { constant, type Field, flag, group, integer, list, oneOf, text } from './fields.js';
import type { DeviceKind } from './kind.js';
import { defaultValue, defineOnly, unread } from './rows.js';

/**
 * A remote or local display. libvirt: `<graphics>`. It cannot be added or removed, but its password changes live. There is
 * one of a type, which is its name; it has no alias and no address.
 */
export interface GraphicsSpec {
  readonly type: 'vnc' | 'spice' | 'sdl' | 'egl-headless' | 'dbus' | 'rdp' | 'desktop';
  /** A port of one's own choice, from 1. Without one libvirt takes a free one at each start, which the live document shows. */
  readonly port?: number | undefined;
  /** Says outright that libvirt chooses the ports. */
  readonly autoport?: true | undefined;
  /** Of spice: the port with TLS. */
  readonly tlsPort?: number | undefined;
  /** Of vnc: the port for WebSocket; `auto`: libvirt chooses. */
  readonly websocket?: number | 'auto' | undefined;
  /** Address or host name to listen on. One of `listen`, `network`, `socket` and `noListen`; default as in qemu.conf. */
  readonly listen?: string | undefined;
  /** The address of a libvirt network. */
  readonly network?: string | undefined;
  /** A Unix socket; `auto`: libvirt chooses one at each start. */
  readonly socket?: string | undefined;
  /** Not at all: clients come by virDomainOpenGraphics. */
  readonly noListen?: true | undefined;
  /** Secret: never shown in plans and errors. Of vnc: at most 8 bytes. It changes live if there was one at start. */
  readonly passwd?: string | undefined;
  /** Time in UTC from which the password is no longer good: `2026-12-31T23:59:59`. */
  readonly passwdValidTo?: string | undefined;
  /** What becomes of clients when the password changes. vnc knows `keep` only. */
  readonly connected?: 'keep' | 'disconnect' | 'fail' | undefined;
  /** Keyboard layout: `de`. */
  readonly keymap?: string | undefined;
  /** Of vnc: who may look at once. */
  readonly sharePolicy?: 'allow-exclusive' | 'force-shared' | 'ignore' | undefined;
  /** Of vnc: clients may shut the guest down and reset it. */
  readonly powerControl?: boolean | undefined;
  /** Number of the {@link AudioSpec} that a vnc or dbus client hears. */
  readonly audio?: number | undefined;
  readonly spice?: SpiceSpec | undefined;
  /** OpenGL. `rendernode`: a path under `/dev/dri`. */
  readonly gl?: { readonly enable?: boolean | undefined; readonly rendernode?: string | undefined } | undefined;
  /** Of sdl and desktop: the X display of the host. */
  readonly display?: string | undefined;
  /** Of sdl: the authority file of the X display. */
  readonly xauth?: string | undefined;
  /** Of sdl and desktop. */
  readonly fullscreen?: boolean | undefined;
  /** Of dbus: the address of the bus, or no bus at all. */
  readonly dbus?: { readonly address?: string | undefined; readonly p2p?: boolean | undefined } | undefined;
}

/** What only SPICE has. */
export interface SpiceSpec {
  /** Whether channels use TLS when nothing else is said of them. */
  readonly defaultMode?: 'any' | 'secure' | 'insecure' | undefined;
  readonly channels?:
    | ReadonlyArray<{
        readonly name: 'main' | 'display' | 'inputs' | 'cursor' | 'playback' | 'record' | 'smartcard' | 'usbredir';
        readonly mode: 'any' | 'secure' | 'insecure';
      }>
    | undefined;
  readonly image?: 'auto_glz' | 'auto_lz' | 'quic' | 'glz' | 'lz' | 'off' | undefined;
  readonly jpeg?: 'auto' | 'never' | 'always' | undefined;
  readonly zlib?: 'auto' | 'never' | 'always' | undefined;
  /** Compresses sound. */
  readonly playback?: boolean | undefined;
  readonly streaming?: 'filter' | 'all' | 'off' | undefined;
  readonly mouse?: 'server' | 'client' | undefined;
  /** Shares the clipboard. */
  readonly copypaste?: boolean | undefined;
  readonly filetransfer?: boolean | undefined;
}

const CHANGE = 'qemuDomainChangeGraphics';
const SERVER = { '@type': ['vnc', 'spice'] };

/** A port that a caller chose: libvirt's own choice shows as -1, or as the real one with autoport. */
function portField(path: string): Field<number> {
  const chosen = integer(path, { min: 1, max: 65535 });
  return {
    ...chosen,
    encode: (value, where) => [['@autoport', 'no'], ...chosen.encode(value, where)],
    decode: (leaves) =>
      leaves.get('@autoport') === 'yes' || leaves.get(path) === '-1' ? undefined : chosen.decode(leaves),
  };
}

function websocketField(): Field<number | 'auto'> {
  const chosen = integer('@websocket', { min: 1, max: 65535 });
  return {
    paths: chosen.paths,
    schema: { anyOf: [chosen.schema, { const: 'auto' }] },
    encode: (value, where) => (value === 'auto' ? [['@websocket', '-1']] : chosen.encode(value, where)),
    decode: (leaves) => (leaves.get('@websocket') === '-1' ? 'auto' : chosen.decode(leaves)),
  };
}

/** libvirt writes an address or socket a second time, as an attribute, which goes when the element changes: they must agree. */
function listenField(type: 'address' | 'socket' | 'network', value: Field<string>): Field<string> {
  const own = type === 'socket' ? 'auto' : undefined;
  return {
    paths: ['listen', '@listen', '@socket'],
    schema: value.schema,
    encode: (given, where) => [['listen/@type', type], ...(given === own ? [] : value.encode(given, where))],
    decode: (leaves) => (leaves.get('listen/@type') === type ? (value.decode(leaves) ?? own) : undefined),
  };
}

/** Fields that only some types have. */
const ONLY: Readonly<Record<string, readonly [field: string, ...types: string[]]>> = {
  '@tlsPort': ['tlsPort', 'spice'],
  '@websocket': ['websocket', 'vnc'],
  '@sharePolicy': ['sharePolicy', 'vnc'],
  '@powerControl': ['powerControl', 'vnc'],
  '@passwd': ['passwd', 'vnc', 'spice'],
  '@keymap': ['keymap', 'vnc', 'spice'],
  'listen/@type': ['listen', 'vnc', 'spice', 'rdp'],
  '@autoport': ['autoport', 'vnc', 'spice', 'rdp'],
  'audio/@id': ['audio', 'vnc', 'dbus'],
  'gl/@enable': ['gl', 'spice', 'sdl', 'dbus'],
  'gl/@rendernode': ['gl', 'spice', 'egl-headless', 'dbus'],
  '@display': ['display', 'sdl', 'desktop'],
  '@xauth': ['xauth', 'sdl'],
  '@fullscreen': ['fullscreen', 'sdl', 'desktop'],
  '@address': ['dbus', 'dbus'],
  '@p2p': ['dbus', 'dbus'],
};
/** Paths of {@link SpiceSpec}. */
const SPICE = [
  '@defaultMode',
  'channel',
  'image',
  'jpeg',
  'zlib',
  'playback',
  'streaming',
  'mouse',
  'clipboard',
  'filetransfer',
];

/** SPICE without any port. */
const NO_PORTS = {
  '@type': ['spice'],
  '@port': ['', '0'],
  '@tlsPort': ['', '0'],
  '@autoport': ['', 'no'],
};
const SOCKET = { '@socket': ['*'] };

export const graphics: DeviceKind<GraphicsSpec> = {
  element: 'graphics',
  fields: {
    type: oneOf('@type', ['vnc', 'spice', 'sdl', 'egl-headless', 'dbus', 'rdp', 'desktop']),
    port: portField('@port'),
    autoport: { ...constant(['@autoport', 'yes'], 'Give a port instead'), paths: ['@autoport'] },
    tlsPort: portField('@tlsPort'),
    websocket: websocketField(),
    listen: listenField('address', text('listen/@address')),
    network: listenField('network', text('listen/@network')),
    socket: listenField('socket', text('listen/@socket', { pattern: /^\//, expected: 'an absolute path' })),
    noListen: {
      ...constant(['listen/@type', 'none'], 'Give listen, network or socket instead'),
      paths: ['listen', '@listen', '@socket'],
    },
    passwd: text('@passwd'),
    passwdValidTo: text('@passwdValidTo', {
      pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
      expected: "a time in UTC such as '2026-12-31T23:59:59'",
    }),
    connected: oneOf('@connected', ['keep', 'disconnect', 'fail']),
    keymap: text('@keymap', { pattern: /^[\w-]+$/, expected: "a layout's name such as 'de'" }),
    sharePolicy: oneOf('@sharePolicy', ['allow-exclusive', 'force-shared', 'ignore']),
    powerControl: flag('@powerControl'),
    audio: integer('audio/@id', { min: 1, max: 255 }),
    spice: group<SpiceSpec>({
      defaultMode: oneOf('@defaultMode', ['any', 'secure', 'insecure']),
      channels: list('channel', {
        name: oneOf('@name', ['main', 'display', 'inputs', 'cursor', 'playback', 'record', 'smartcard', 'usbredir']),
        mode: oneOf('@mode', ['any', 'secure', 'insecure']),
      }),
      image: oneOf('image/@compression', ['auto_glz', 'auto_lz', 'quic', 'glz', 'lz', 'off']),
      jpeg: oneOf('jpeg/@compression', ['auto', 'never', 'always']),
      zlib: oneOf('zlib/@compression', ['auto', 'never', 'always']),
      playback: flag('playback/@compression', 'on', 'off'),
      streaming: oneOf('streaming/@mode', ['filter', 'all', 'off']),
      mouse: oneOf('mouse/@mode', ['server', 'client']),
      copypaste: flag('clipboard/@copypaste'),
      filetransfer: flag('filetransfer/@enable'),
    }),
    gl: group({
      enable: flag('gl/@enable'),
      rendernode: text('gl/@rendernode', { pattern: /^\//, expected: 'an absolute path' }),
    }),
    display: text('@display'),
    xauth: text('@xauth'),
    fullscreen: flag('@fullscreen'),
    dbus: group({ address: text('@address'), p2p: flag('@p2p') }),
  },
  required: ['type'],
  exclusive: [
    ['port', 'autoport'],
    ['tlsPort', 'autoport'],
    ['listen', 'network', 'socket', 'noListen'],
  ],
  check(leaves, where) {
    const type = leaves.get('@type') ?? '';
    const refuse = (field: string, types: readonly string[]) =>
      specInvalid(`${where}.${field}`, `a ${type} display has none`, `Only ${types.join(', ')}`);
    for (const [leaf, [field, ...types]] of Object.entries(ONLY))
      if (leaves.has(leaf) && !types.includes(type)) throw refuse(field, types);
    for (const leaf of leaves.keys())
      if (type !== 'spice' && SPICE.some((path) => under(leaf, path))) throw refuse('spice', ['spice']);
    // virDomainGraphicsAuthDefParseXML drops both when there is no password.
    for (const field of ['passwdValidTo', 'connected'])
      if (leaves.has(`@${field}`) && !leaves.has('@passwd'))
        throw specInvalid(`${where}.${field}`, 'goes with a password only', 'Give passwd too');
    if (type === 'vnc' && (leaves.get('@connected') ?? 'keep') !== 'keep')
      throw specInvalid(`${where}.connected`, 'vnc knows keep only');
    if (type === 'vnc' && byteLength(leaves.get('@passwd') ?? '') > 8)
      throw specInvalid(`${where}.passwd`, 'is longer than 8 bytes, the most that VNC has');
  },
  names: (leaves) => [leaves.get('@type')],
  unique: { '@type': 'type of display' },
  support: defineOnly('displays'),
  updateConfig: true,
  // qemuDomainChangeGraphics refuses an element that lacks the address it listens on, which only the live one has.
  needsSeparateLiveUpdate: true,
  updates: [
    // QEMU has no password to set when it was started without one.
    ...['@passwd', '@passwdValidTo', '@connected'].map(
      (path) =>
        ({ path, live: 'refused', where: { ...SERVER, '@passwd': [''] }, source: 'QEMU: set_password' }) as const,
    ),
    ...['@passwd', '@passwdValidTo', '@connected'].map(
      (path) => ({ path, live: 'yes', where: SERVER, source: CHANGE }) as const,
    ),
    ...['@port', '@autoport', '@tlsPort', '@keymap', 'listen'].map(
      (path) => ({ path, live: 'refused', where: SERVER, source: CHANGE }) as const,
    ),
    ...['@websocket', '@sharePolicy', '@powerControl', 'audio', 'gl', ...SPICE].map(
      (path) => ({ path, live: 'ignored', where: SERVER, source: CHANGE }) as const,
    ),
  ],
  identity: ['@type'],
  abi: [],
  liveOnly: [
    { path: '@port', where: { '@autoport': ['yes'] } },
    { path: '@tlsPort', where: { '@autoport': ['yes'] } },
    ...['@websocket', '@listen', '@socket', '@address', 'listen/@address', 'listen/@socket'].map(
      (path) => ({ path, persistable: true }) as const,
    ),
  ],
  unordered: [
    {
      path: 'channel',
      key: '@name',
      void: ['@mode', 'any'],
      once: 'last',
      source: 'virDomainGraphicsDefParseXMLSpice, virDomainGraphicsDefFormat: in the order of its enum',
    },
  ],
  normal: [
    { path: '@defaultMode', asked: /^any$/, there: 'nothing', source: 'virDomainGraphicsDefFormat' },
    ...['@port', '@tlsPort'].map(
      (path) => ({ path, asked: /^0$/, there: 'nothing', source: 'virDomainGraphicsDefFormat' }) as const,
    ),
    // With a socket libvirt listens on that and on nothing else.
    ...['@listen', 'listen/@address'].map(
      (path) => ({ path, where: SOCKET, there: 'nothing', source: 'virDomainGraphicsListensParseXML' }) as const,
    ),
    { path: 'listen/@type', where: SOCKET, there: ['socket'], source: 'virDomainGraphicsListensParseXML' },
    ...['@port', '@tlsPort'].map(
      (path) =>
        ({ path, where: { '@autoport': ['yes'] }, there: 'any', source: 'virDomainGraphicsDefParseXMLVNC' }) as const,
    ),
    {
      path: /^(listen(\[\d+\])?\/)?@socket$/,
      asked: /\/lib\/(libvirt\/qemu\/)?domain-[^/]+\/[^/]+$/,
      there: 'nothing',
      source: 'qemuDomainDeviceGraphicsDefPostParse: a socket that libvirt chose',
    },
    ...defaultValue('virDomainGraphicsDefFormat', { '@fullscreen': /^no$/, '@p2p': /^no$/, '@websocket': /^0+$/ }),
    {
      path: 'listen/@address',
      where: { 'listen/@type': ['network'] },
      there: 'nothing',
      source: 'virDomainGraphicsListenDefFormat: that of a network shows while it runs',
    },
    ...unread('virDomainGraphicsAuthDefFormatAttr: they are about the password', ['@connected', '@passwdValidTo'], {
      '@passwd': ['*'],
    }),
    ...['@listen', 'listen/@address'].map(
      (path) => ({ path, where: NO_PORTS, there: 'nothing', source: 'virDomainGraphicsListensParseXML' }) as const,
    ),
    {
      path: 'listen/@type',
      where: NO_PORTS,
      asked: /^address$/,
      there: ['none'],
      source: 'virDomainGraphicsDefParseXMLSpice: without a port it does not listen',
    },
    {
      path: /^@(port|tlsPort|autoport|websocket|listen)$/,
      where: { 'listen/@type': ['none', 'socket'] },
      there: 'nothing',
      source: 'virDomainGraphicsDefFormat: it listens on no address',
    },
    { path: '@autoport', asked: /^no$/, there: 'nothing', source: 'virDomainGraphicsDefFormat: the ports say it' },
  ],
  secret: ['@passwd'],
  bus: () => undefined,
};
