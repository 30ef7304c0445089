import {
  VIR_MIGRATE_AUTO_CONVERGE,
  VIR_MIGRATE_COMPRESSED,
  VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES,
  VIR_MIGRATE_PARALLEL,
  VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT,
  VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL,
  VIR_MIGRATE_PARAM_BANDWIDTH,
  VIR_MIGRATE_PARAM_COMPRESSION,
  VIR_MIGRATE_PARAM_COMPRESSION_MT_DTHREADS,
  VIR_MIGRATE_PARAM_COMPRESSION_MT_LEVEL,
  VIR_MIGRATE_PARAM_COMPRESSION_MT_THREADS,
  VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE,
  VIR_MIGRATE_PARAM_COMPRESSION_ZLIB_LEVEL,
  VIR_MIGRATE_PARAM_COMPRESSION_ZSTD_LEVEL,
  VIR_MIGRATE_PARAM_DISKS_PORT,
  VIR_MIGRATE_PARAM_DISKS_URI,
  VIR_MIGRATE_PARAM_GRAPHICS_URI,
  VIR_MIGRATE_PARAM_LISTEN_ADDRESS,
  VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
  VIR_MIGRATE_PARAM_TLS_DESTINATION,
  VIR_MIGRATE_PARAM_URI,
  VIR_MIGRATE_PEER2PEER,
  VIR_MIGRATE_POSTCOPY,
  VIR_MIGRATE_TLS,
  VIR_MIGRATE_TUNNELLED,
} from '../connection/index.js';
import { assertKnownFields, formatValue, notOneOf, specInvalid } from '../domain/index.js';
import type { HostFiles } from '../host/index.js';
import type { MovedParts } from './documents.js';
import { assertHooks, type MigrationHooks } from './hooks.js';
import { MigrationParams } from './params.js';
import { type MigrationPolicy, type MigrationPolicyRequest, policyOf } from './policy.js';

/** What a plan of a migration, and the migration, are asked for. */
export interface MigrationOptions {
  /** `live` (default): it runs on, its disks are on storage that both hosts have. `block`: it runs on, disks that are not shared are copied. `cold`: it is off. */
  readonly mode?: 'live' | 'block' | 'cold';
  /**
   * Who makes the calls. `client` (default): this program, which proves the destination before it lets the source go.
   * `peer-to-peer`: the source's daemon by itself, to its end even without this program; a lost reply between the daemons
   * can leave two running guests. `tunnelled`: the same, memory through the daemons too.
   */
  readonly via?: 'client' | 'peer-to-peer' | 'tunnelled';
  /** For the latter two: the destination's daemon as the source's daemon reaches it, `qemu+tls://host2/system`. */
  readonly destinationUri?: string;
  /** A preset, or parts of a policy. Default `gentle`. */
  readonly policy?: MigrationPolicyRequest;
  /** Where QEMU sends memory to: `tcp://HOST[:PORT]`, `rdma://…`, `unix:///PATH`. Default: what the destination's host name leads to. */
  readonly uri?: string;
  /** Address that the destination's QEMU listens on. */
  readonly listenAddress?: string;
  /** Where disks are copied to: a URI, or only the port. */
  readonly disksUri?: string;
  readonly disksPort?: number;
  /** Connections that memory is sent over at once. */
  readonly parallel?: number;
  /** How memory is compressed; `zlib` and `zstd` need `parallel`. */
  readonly compression?: {
    readonly method: 'xbzrle' | 'mt' | 'zlib' | 'zstd';
    /** Bytes, of `xbzrle`. */
    readonly cache?: number;
    /** Of the others. */
    readonly level?: number;
    /** Of `mt`: at the source and at the destination. */
    readonly threads?: number;
    readonly decompressThreads?: number;
  };
  /** Encrypts memory and copied disks; `destination` is the name in the other side's certificate when it is not its host name. */
  readonly tls?: boolean | { readonly destination: string };
  /**
   * The disks to copy, by id or target. With `block` the default is those that are not shared; with `cold` none, and those
   * named are copied as files through storage pools of both hosts, by this program, and read back and compared.
   */
  readonly disks?: readonly string[];
  /** With `block`: `all` (default) of a disk's contents, or `incremental`, only the top image over a chain that is there already. */
  readonly copy?: 'all' | 'incremental';
  /** With `block`: `create` (default) missing targets, or take those `given`, made by a hook for instance. */
  readonly targets?: 'create' | 'given';
  /** With `block`: the guest's writes wait for both sides, so that the copy ends however much it writes. */
  readonly synchronousWrites?: boolean;
  /** Disks that the caller knows to be on shared storage where it cannot be told, such as block devices. */
  readonly shared?: readonly string[];
  /** Other paths at the destination, see {@link MovedParts}. */
  readonly paths?: MovedParts['paths'];
  readonly sources?: MovedParts['sources'];
  /** Displays: the address they listen on there, and the URI that SPICE clients are sent to. */
  readonly graphics?: { readonly listen?: string; readonly uri?: string };
  /** Whether the source's definition goes when the domain has left. Default true. */
  readonly undefineSource?: boolean;
  /** `incoming` (default): the destination is compared before any memory is sent. `paused`: also before the guest runs there, which adds to its pause. */
  readonly prove?: 'incoming' | 'paused';
  /** A definition of this domain that is off at the destination: `refuse` (default), or let libvirt `replace` it. */
  readonly definitionThere?: 'refuse' | 'replace';
  /** With `cold`, a saved guest: `refuse` (default), or `discard` it. */
  readonly managedSave?: 'refuse' | 'discard';
  /** Work of the caller's own at both ends. */
  readonly hooks?: MigrationHooks;
  /** Ways to the files of the hosts, where they are not this machine: for UEFI variables and TPM state of cold migrations. */
  readonly files?: { readonly source?: HostFiles; readonly destination?: HostFiles };
  /** Milliseconds that an abort is given before the destination is ended instead. Default 10,000. */
  readonly abortTimeout?: number;
  /** Aborts the migration, as `abort()` does. */
  readonly signal?: AbortSignal;
}

/** Options with their defaults, checked. */
export interface MigrationRequest extends MigrationOptions {
  readonly mode: NonNullable<MigrationOptions['mode']>;
  readonly via: NonNullable<MigrationOptions['via']>;
  readonly copy: NonNullable<MigrationOptions['copy']>;
  readonly targets: NonNullable<MigrationOptions['targets']>;
  readonly prove: NonNullable<MigrationOptions['prove']>;
  readonly undefineSource: boolean;
  readonly abortTimeout: number;
  readonly resolvedPolicy: MigrationPolicy;
}

const WORDS = {
  mode: ['live', 'block', 'cold'],
  via: ['client', 'peer-to-peer', 'tunnelled'],
  copy: ['all', 'incremental'],
  targets: ['create', 'given'],
  prove: ['incoming', 'paused'],
  definitionThere: ['refuse', 'replace'],
  managedSave: ['refuse', 'discard'],
} as const;
const TEXTS = ['destinationUri', 'uri', 'listenAddress', 'disksUri'] as const;
const OTHERS = [
  ...[
    'policy',
    'disksPort',
    'parallel',
    'compression',
    'tls',
    'disks',
    'synchronousWrites',
    'shared',
    'paths',
    'sources',
  ],
  ...['graphics', 'undefineSource', 'hooks', 'files', 'abortTimeout', 'signal'],
];
const BLOCK_ONLY = ['copy', 'targets', 'synchronousWrites', 'disksUri', 'disksPort'] as const;

/** `SPEC_INVALID` for an option whose value is none of its words. */
export function assertWords<K extends string>(
  options: { readonly [name in NoInfer<K>]?: string | undefined },
  words: Readonly<Record<K, readonly string[]>>,
): void {
  for (const name of Object.keys(words) as K[]) {
    const value = options[name];
    if (value !== undefined && !words[name].includes(value)) throw notOneOf(name, value, words[name]);
  }
}

/** Checks options before anything else is done. Errors: `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD` with the path. */
export function migrationRequest(options: MigrationOptions): MigrationRequest {
  if (typeof options !== 'object' || options === null)
    throw specInvalid('options', `${formatValue(options)} is not an object`, "Give an object such as { mode: 'live' }");
  assertKnownFields(options, [...Object.keys(WORDS), ...TEXTS, ...OTHERS], '');
  assertWords(options, WORDS);
  for (const name of TEXTS)
    if (options[name] !== undefined && (typeof options[name] !== 'string' || options[name] === ''))
      throw specInvalid(
        name,
        `${formatValue(options[name])} is not a text`,
        'Give a text that is not empty, or leave it out',
      );
  for (const name of ['disks', 'shared'] as const)
    if (
      options[name] !== undefined &&
      !(Array.isArray(options[name]) && options[name].every((each) => typeof each === 'string'))
    )
      throw specInvalid(name, 'it is not a list of disks', "Give a list of ids or targets: ['vda']");
  for (const name of ['undefineSource', 'synchronousWrites'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'boolean')
      throw specInvalid(name, `${formatValue(options[name])} is not true or false`, 'Give true or false');
  checkShapes(options);
  const { mode = 'live', via = 'client', abortTimeout = 10_000 } = options;
  if (mode === 'live' && options.disks !== undefined)
    throw specInvalid(
      'disks',
      'live migrations copy none',
      "Ask for mode: 'block', or 'cold' for a domain that is off",
    );
  for (const name of BLOCK_ONLY)
    if (mode !== 'block' && options[name] !== undefined)
      throw specInvalid(name, `it is of block migrations, and this is a ${mode} one`, "Ask for mode: 'block'");
  const request: MigrationRequest = {
    ...options,
    mode,
    via,
    abortTimeout,
    copy: options.copy ?? 'all',
    targets: options.targets ?? 'create',
    prove: options.prove ?? 'incoming',
    undefineSource: options.undefineSource ?? true,
    resolvedPolicy: policyOf(options.policy),
  };
  checkTogether(request);
  return request;
}

function checkShapes({
  disksPort,
  parallel,
  compression,
  graphics,
  tls,
  abortTimeout,
  paths,
  sources,
  files,
  hooks,
}: MigrationOptions): void {
  assertHooks(hooks);
  port(disksPort, 'disksPort', 1, 65_535);
  port(parallel, 'parallel', 1, 255);
  port(abortTimeout, 'abortTimeout', 1, 0x7fffffff);
  for (const [name, value, fields] of [
    ['compression', compression, ['method', 'cache', 'level', 'threads', 'decompressThreads']],
    ['graphics', graphics, ['listen', 'uri']],
    ['tls', typeof tls === 'boolean' ? undefined : tls, ['destination']],
    ['files', files, ['source', 'destination']],
  ] as const) {
    if (value === undefined) continue;
    if (typeof value !== 'object' || value === null)
      throw specInvalid(name, `${formatValue(value)} is not an object`, 'docs/migration.md has its fields');
    assertKnownFields(value, fields, name);
  }
  for (const [name, value] of [
    ['graphics.listen', graphics?.listen],
    ['graphics.uri', graphics?.uri],
    ['tls.destination', typeof tls === 'object' ? tls.destination : undefined],
  ] as const)
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw specInvalid(name, `${formatValue(value)} is not a text`, 'Give a text that is not empty, or leave it out');
  assertFiles(files);
  for (const [name, value] of Object.entries({ paths, sources }))
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value)))
      throw specInvalid(name, `${formatValue(value)} is not an object`, 'docs/migration.md has its fields');
  for (const [name, value] of Object.entries(sources ?? {}))
    if (typeof value !== 'object' || value === null || Object.values(value).some((each) => typeof each !== 'string'))
      throw specInvalid(
        `sources[${JSON.stringify(name)}]`,
        'it is not an object of texts by path',
        "Give the path below the element, and its value: { 'source/@bridge': 'br1' }",
      );
  if (compression && !['xbzrle', 'mt', 'zlib', 'zstd'].includes(compression.method))
    throw notOneOf('compression.method', compression.method, ['xbzrle', 'mt', 'zlib', 'zstd']);
  for (const name of ['cache', 'level', 'threads', 'decompressThreads'] as const)
    port(compression?.[name], `compression.${name}`, 0, Number.MAX_SAFE_INTEGER);
}

/** `SPEC_INVALID` for ways to files that are none. */
export function assertFiles(files: MigrationOptions['files']): void {
  for (const [name, value] of Object.entries(files ?? {}))
    for (const method of ['look', 'read', 'write', 'remove', 'list'])
      if (value !== undefined && typeof Reflect.get(Object(value), method) !== 'function')
        throw specInvalid(
          `files.${name}`,
          `it has no ${method}()`,
          'Give an object with look, read, write, remove and list',
        );
}

function port(value: unknown, path: string, least: number, most: number): void {
  if (value === undefined) return;
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    throw specInvalid(path, `${formatValue(value)} is not a whole number`, `Give one from ${least} to ${most}`);
}

/** What cannot be asked for together. */
function checkTogether(request: MigrationRequest): void {
  const { mode, via, destinationUri, prove, resolvedPolicy, uri, disksUri, compression, parallel } = request;
  if (via !== 'client' && destinationUri === undefined)
    throw specInvalid(
      'destinationUri',
      `${via} needs it`,
      "Give the destination's URI as the source's daemon reaches it",
    );
  if (via === 'client' && destinationUri !== undefined)
    throw specInvalid('destinationUri', 'it is of peer-to-peer migrations', "Ask for via: 'peer-to-peer'");
  if (via !== 'client' && prove === 'paused')
    throw specInvalid('prove', `${via} has no moment to prove a paused guest in`, "Ask for via: 'client'");
  if (via === 'tunnelled' && (mode === 'block' || resolvedPolicy.postCopy))
    throw specInvalid('via', 'tunnelled migrations copy no disks and know no post-copy', "Ask for via: 'client'");
  for (const name of ['uri', 'listenAddress', 'parallel', 'tls'] as const)
    if (via === 'tunnelled' && request[name] !== undefined)
      throw specInvalid(
        name,
        'tunnelled migrations have none',
        'Leave it out: memory goes over the connection of the daemons',
      );
  if (via !== 'client' && mode === 'cold')
    throw specInvalid('via', 'cold migrations are made by the client', "Ask for via: 'client'");
  if (prove === 'paused' && resolvedPolicy.postCopy)
    throw specInvalid(
      'prove',
      'a guest that goes over by post-copy cannot be proved paused',
      "Ask for prove: 'incoming'",
    );
  if (mode === 'block' && uri?.startsWith('unix:') && disksUri === undefined)
    throw specInvalid('disksUri', 'a unix: uri needs one for the disks', "Give disksUri: 'unix:///PATH'");
  if (compression && ['zlib', 'zstd'].includes(compression.method) && parallel === undefined)
    throw specInvalid('compression.method', `${compression.method} needs parallel`, 'Give parallel: 1, or more');
}

/** How memory goes over: what a post-copy that was cut needs to go on. */
export type MigrationWay = Pick<MigrationOptions, 'uri' | 'listenAddress' | 'tls'>;

/** The way that a request says. */
export function wayOf({ uri, listenAddress, tls }: MigrationOptions): MigrationWay {
  return {
    ...(uri !== undefined && { uri }),
    ...(listenAddress !== undefined && { listenAddress }),
    ...(tls && { tls }),
  };
}

/** Flags and parameters of a way. */
export function callsOfWay({ uri, listenAddress, tls }: MigrationWay): { flags: number; params: MigrationParams } {
  return {
    flags: tls ? VIR_MIGRATE_TLS : 0,
    params: new MigrationParams()
      .with(VIR_MIGRATE_PARAM_URI, uri)
      .with(VIR_MIGRATE_PARAM_LISTEN_ADDRESS, listenAddress)
      .with(VIR_MIGRATE_PARAM_TLS_DESTINATION, typeof tls === 'object' ? tls.destination : undefined),
  };
}

/** The flags and parameters that stand in the options themselves. */
export function callsOf(request: MigrationRequest): { flags: number; params: MigrationParams } {
  const { via, parallel, compression, resolvedPolicy: policy, graphics, synchronousWrites } = request;
  const way = callsOfWay(request);
  const flags =
    (via === 'client' ? 0 : VIR_MIGRATE_PEER2PEER) |
    (via === 'tunnelled' ? VIR_MIGRATE_TUNNELLED : 0) |
    way.flags |
    (parallel === undefined ? 0 : VIR_MIGRATE_PARALLEL) |
    (compression ? VIR_MIGRATE_COMPRESSED : 0) |
    (synchronousWrites ? VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES : 0) |
    (policy.autoConverge ? VIR_MIGRATE_AUTO_CONVERGE : 0) |
    (policy.postCopy ? VIR_MIGRATE_POSTCOPY : 0);
  const big = (value: number | undefined) => (value === undefined ? undefined : BigInt(value));
  const level = (method: string) => (compression?.method === method ? compression.level : undefined);
  const params = way.params
    .with(VIR_MIGRATE_PARAM_DISKS_URI, request.disksUri)
    .with(VIR_MIGRATE_PARAM_DISKS_PORT, request.disksPort)
    .with(VIR_MIGRATE_PARAM_GRAPHICS_URI, graphics?.uri)
    .with(VIR_MIGRATE_PARAM_BANDWIDTH, big(policy.bandwidth?.begin))
    .with(VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, parallel)
    .with(VIR_MIGRATE_PARAM_COMPRESSION, compression?.method)
    .with(VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE, big(compression?.cache))
    .with(VIR_MIGRATE_PARAM_COMPRESSION_MT_LEVEL, level('mt'))
    .with(VIR_MIGRATE_PARAM_COMPRESSION_MT_THREADS, compression?.threads)
    .with(VIR_MIGRATE_PARAM_COMPRESSION_MT_DTHREADS, compression?.decompressThreads)
    .with(VIR_MIGRATE_PARAM_COMPRESSION_ZLIB_LEVEL, level('zlib'))
    .with(VIR_MIGRATE_PARAM_COMPRESSION_ZSTD_LEVEL, level('zstd'))
    .with(VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL, policy.autoConverge ? policy.autoConverge.initial : undefined)
    .with(VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT, policy.autoConverge ? policy.autoConverge.increment : undefined);
  return { flags, params };
}
