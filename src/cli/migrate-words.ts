import type { MigrationOptions, MigrationPolicyRequest } from '../index.js';
import { nearest } from '../nearest.js';
import { UsageError } from './exit.js';
import { readText } from './input.js';
import { yamlOf } from './words.js';

/** Options of a migration as the command line has them: times are seconds. */
export interface MigrateWords {
  readonly file?: string;
  readonly mode?: MigrationOptions['mode'];
  readonly policy?: string;
  readonly disk?: readonly string[];
  readonly shared?: readonly string[];
  readonly path?: readonly string[];
  readonly source?: readonly string[];
  readonly copy?: MigrationOptions['copy'];
  readonly targets?: MigrationOptions['targets'];
  readonly synchronousWrites?: boolean;
  readonly uri?: string;
  readonly listenAddress?: string;
  readonly disksUri?: string;
  readonly disksPort?: number;
  readonly parallel?: number;
  readonly compression?: string;
  readonly tls?: string | true;
  readonly graphicsListen?: string;
  readonly graphicsUri?: string;
  readonly via?: MigrationOptions['via'];
  readonly destinationUri?: string;
  readonly prove?: MigrationOptions['prove'];
  readonly definitionThere?: MigrationOptions['definitionThere'];
  readonly managedSave?: MigrationOptions['managedSave'];
  readonly keepDefinition?: boolean;
  readonly abortTimeout?: number;
}

/** What of the library's options only a program can give. */
const OF_PROGRAMS = ['hooks', 'files', 'signal'];

/** Options of a migration: those of the file, and over them those of the command line. What is wrong in them the library says, by path. */
export async function migrationOptions(words: MigrateWords): Promise<MigrationOptions> {
  const { mode, copy, targets, synchronousWrites, uri, listenAddress, disksUri, disksPort, parallel } = words;
  const { via, destinationUri, prove, definitionThere, managedSave, shared } = words;
  const given = {
    ...{ mode, copy, targets, synchronousWrites, uri, listenAddress, disksUri, disksPort, parallel },
    ...{ via, destinationUri, prove, definitionThere, managedSave, shared },
    disks: words.disk,
    policy: words.policy === undefined ? undefined : await policyWords(words.policy),
    paths: words.path && pairsOf('--path', words.path),
    sources: words.source && sourcesOf(words.source),
    compression: words.compression === undefined ? undefined : await compressionWords(words.compression),
    tls: typeof words.tls === 'string' ? { destination: words.tls } : words.tls,
    graphics: graphicsOf(words),
    undefineSource: words.keepDefinition ? false : undefined,
    abortTimeout: words.abortTimeout === undefined ? undefined : words.abortTimeout * 1000,
  };
  const fromFile = words.file === undefined ? {} : await optionsIn(words.file);
  const asked = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...fromFile, ...Object.fromEntries(asked) } as MigrationOptions;
}

async function optionsIn(file: string): Promise<object> {
  const value = await yamlOf(await readText(file));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(
      `${file} holds no options of a migration: give an object such as { mode: block, policy: leave }`,
    );
  const other = OF_PROGRAMS.find((name) => Object.hasOwn(value, name));
  if (other !== undefined) throw new UsageError(`${file}: "${other}" is for programs alone. Leave it out`);
  return value;
}

/** The name of a preset, or parts of a policy. */
async function policyWords(text: string): Promise<MigrationPolicyRequest> {
  if (text.startsWith('{')) return (await yamlOf(text)) as MigrationPolicyRequest;
  const { MIGRATION_POLICIES } = await import('../index.js');
  return oneOf('--policy', text, Object.keys(MIGRATION_POLICIES)) as MigrationPolicyRequest;
}

async function compressionWords(text: string): Promise<unknown> {
  if (text.startsWith('{')) return yamlOf(text);
  return { method: oneOf('--compression', text, ['xbzrle', 'mt', 'zlib', 'zstd']) };
}

function oneOf(option: string, word: string, words: readonly string[]): string {
  if (words.includes(word)) return word;
  const near = nearest(word, words);
  const meant = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new UsageError(`${option} has no ${word}.${meant} There are ${words.join(', ')}`);
}

function graphicsOf({ graphicsListen: listen, graphicsUri: uri }: MigrateWords): MigrationOptions['graphics'] {
  if (listen === undefined && uri === undefined) return undefined;
  return { ...(listen === undefined ? {} : { listen }), ...(uri === undefined ? {} : { uri }) };
}

function pairsOf(option: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1 || at === text.length - 1)
        throw new UsageError(`${option} takes what it is here and what it is there: /images=/srv/images, not ${text}`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

/** `lan,source/@bridge=br1`: a device, and for a path below its element another value. */
function sourcesOf(texts: readonly string[]): Record<string, Record<string, string>> {
  const sources: Record<string, Record<string, string>> = {};
  for (const text of texts) {
    const [, device, path, value] = /^([^,]+),([^=]+)=(.+)$/.exec(text) ?? [];
    if (device === undefined || path === undefined || value === undefined)
      throw new UsageError(`--source takes a device, a path and a value: lan,source/@bridge=br1, not ${text}`);
    sources[device] = { ...sources[device], [path]: value };
  }
  return sources;
}
