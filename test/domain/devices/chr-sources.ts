import fc from 'fast-check';
import type { ChrSourceSpec } from '../../../src/domain/devices/chr-source.js';
import { some, values } from './support.js';

const mode = fc.constantFrom('bind' as const, 'connect' as const);
const seconds = fc.integer({ min: 1, max: 3600 }).map((count) => count * 1000);
const reconnect = some({ enabled: fc.boolean(), timeout: seconds }, ['enabled']);
const end = some({ host: values.name, port: values.port }, ['port']);

/** Who listens does not connect again. */
const connection = fc.oneof(
  fc.record({ mode }),
  fc.record({ mode: fc.constant('connect' as const), reconnect }),
  fc.constant({}),
);
const log = fc.option(some({ file: values.path, append: fc.boolean() }, ['file']), { nil: undefined });

const sources = [
  fc.record({ pty: values.yes }),
  some({ file: values.path, append: fc.boolean() }, ['file']),
  fc.tuple(fc.record({ path: values.path }), connection).map(([path, how]) => ({ unix: { ...path, ...how } })),
  fc
    .tuple(
      some(
        {
          host: values.name,
          port: values.port,
          protocol: fc.constantFrom('raw' as const, 'telnet' as const, 'telnets' as const, 'tls' as const),
          tls: fc.boolean(),
        },
        ['host', 'port'],
      ),
      connection,
    )
    .map(([where, how]) => ({ tcp: { ...where, ...how } })),
  some({ connect: end, bind: end }, ['connect']).map((udp) => ({ udp })),
  fc.record({ dev: values.path }),
  fc.record({ pipe: values.path }),
  fc.record({ null: values.yes }),
  fc.record({ vc: values.yes }),
  fc.record({ stdio: values.yes }),
  fc.record({ spiceport: values.name }),
] as const;

/** A source of every type, with and without a log; `more` are sources that only some kinds have. */
export function anySource<S extends object = ChrSourceSpec>(
  ...more: Array<fc.Arbitrary<S>>
): fc.Arbitrary<ChrSourceSpec | S> {
  const all: Array<fc.Arbitrary<ChrSourceSpec | S>> = [
    ...(sources as unknown as Array<fc.Arbitrary<ChrSourceSpec>>),
    ...more,
  ];
  return fc
    .tuple(fc.oneof(...all), log)
    .map(([source, file]) => (file === undefined ? source : { ...source, log: file }));
}

/** Sources that are refused, and the field that is named, for a kind whose other fields are `rest`. */
export function badSources(rest: object): Array<readonly [path: string, spec: object]> {
  return [
    ['', { ...rest }],
    ['', { ...rest, pty: true, file: '/a' }],
    ['pty', { ...rest, pty: false }],
    ['file', { ...rest, file: 'relative' }],
    ['append', { ...rest, pty: true, append: true }],
    ['log.file', { ...rest, pty: true, log: { append: true } }],
    ['tcp.host', { ...rest, tcp: { port: 1 } }],
    ['tcp.port', { ...rest, tcp: { host: 'a' } }],
    ['tcp.port', { ...rest, tcp: { host: 'a', port: 65536 } }],
    ['tcp.protocol', { ...rest, tcp: { host: 'a', port: 1, protocol: 'ssh' } }],
    ['tcp.reconnect', { ...rest, tcp: { host: 'a', port: 1, mode: 'bind', reconnect: { enabled: true } } }],
    ['unix.reconnect.timeout', { ...rest, unix: { path: '/a', reconnect: { enabled: true, timeout: 1500 } } }],
    ['unix.mode', { ...rest, unix: { path: '/a', mode: 'listen' } }],
    ['udp.connect', { ...rest, udp: { bind: { port: 1 } } }],
    ['udp.connect.port', { ...rest, udp: { connect: {}, bind: { port: 1 } } }],
  ];
}
