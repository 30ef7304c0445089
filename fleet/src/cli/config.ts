import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ChangeRequest } from 'libvirt-canonical';
import {
  type Fence,
  type FenceAgentOptions,
  Fleet,
  type FleetOptions,
  fenceAgent,
  redfish,
  type StorageLeaseOptions,
  storageLease,
} from 'libvirt-canonical/fleet';
import { parse } from 'yaml';
import { type BundleStore, directory } from '../bundles.js';
import { EngineError } from '../errors.js';
import type { Limits } from '../queues.js';
import type { StoreSpec } from '../store/store.js';
import type { UpgradeHandler } from '../worker/current.js';
import type { Timeouts } from '../worker/limit.js';
import type { ExportSchedule } from '../workflows/schedule.js';

/** What a configuration file says, in YAML or JSON. */
export interface FleetConfig {
  readonly hosts: FleetOptions['hosts'];
  /** Milliseconds that a host has for one answer. */
  readonly timeout?: number;
  readonly store?: StoreSpec;
  readonly limits?: Partial<Limits>;
  /** Folder of bundles. */
  readonly bundles?: string;
  /** How many bundles of each domain are kept. */
  readonly keepBundles?: number;
  readonly fences?: Readonly<Record<string, FenceConfig>>;
  /** Programs with their arguments, `{host}` in them replaced: what upgrades a host, and what ends with 0 once it is ready. */
  readonly upgrade?: { readonly command: readonly string[]; readonly ready?: readonly string[] };
  readonly exports?: ExportSchedule;
  readonly timeouts?: Partial<Timeouts>;
  /** Files of changes that hold secrets, by name. */
  readonly requests?: Readonly<Record<string, string>>;
}

/** A fence in a configuration. Passwords stand in files of their own. */
export type FenceConfig =
  | { readonly storageLease: Omit<StorageLeaseOptions, 'host'> }
  | { readonly redfish: { readonly url: string; readonly user: string; readonly passwordFile: string } }
  | {
      readonly agent: {
        readonly program: string;
        readonly options: FenceAgentOptions['options'];
        readonly passwordFile?: string;
      };
    };

const KEYS: readonly string[] = [
  'hosts',
  'timeout',
  'store',
  'limits',
  'bundles',
  'keepBundles',
  'fences',
  'upgrade',
  'exports',
  'timeouts',
  'requests',
];

/** Reads a configuration file. Errors: `CONFIG_INVALID`. */
export function readConfig(path: string): FleetConfig {
  const config = readYaml(path) as FleetConfig;
  if (typeof config !== 'object' || config === null || typeof config.hosts !== 'object' || config.hosts === null)
    throw invalid(`${path} names no hosts`, 'Write hosts: with a name and a URI each');
  const unknown = Object.keys(config).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw invalid(`${path}: ${unknown} is no key`, `The keys are ${KEYS.join(', ')}`);
  return config;
}

/** Reads a file of YAML or JSON; `-` is the standard input. Errors: `CONFIG_INVALID`. */
export function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path === '-' ? 0 : path, 'utf8'));
  } catch (error) {
    throw invalid(`${path} cannot be read: ${(error as Error).message}`, 'Give a file of YAML or JSON');
  }
}

/** The fleet of a configuration. */
export function fleetOf({ hosts, timeout }: FleetConfig): Promise<Fleet> {
  return Fleet.open({ hosts, ...(timeout !== undefined && { timeout }) });
}

/** The bundles of a configuration. */
export function bundlesOf({ bundles, keepBundles: keep }: FleetConfig): BundleStore | undefined {
  return bundles === undefined ? undefined : directory(bundles, keep === undefined ? {} : { keep });
}

/** The fences of a configuration. */
export function fencesOf({ fences = {} }: FleetConfig): Record<string, Fence> {
  return Object.fromEntries(Object.entries(fences).map(([host, fence]) => [host, fenceOf(host, fence)]));
}

function fenceOf(host: string, config: FenceConfig): Fence {
  if ('redfish' in config) {
    const { url, user, passwordFile } = config.redfish;
    return redfish({ url, user, password: secretIn(passwordFile) });
  }
  if ('agent' in config) {
    const { program, options, passwordFile } = config.agent;
    const password = passwordFile === undefined ? {} : { password: secretIn(passwordFile) };
    return fenceAgent({ program, options: { ...options, ...password } });
  }
  if ('storageLease' in config) return storageLease({ ...config.storageLease, host });
  throw invalid(`fences.${host} is none`, 'Write redfish:, agent: or storageLease:; without a fence a person confirms');
}

function secretIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\n$/, '');
  } catch (error) {
    throw invalid(
      `${file} cannot be read: ${(error as Error).message}`,
      'Write the password into it, readable for this user alone',
    );
  }
}

/** The changes of a configuration that hold secrets. */
export function requestsOf({ requests = {} }: FleetConfig): Record<string, ChangeRequest> {
  return Object.fromEntries(Object.entries(requests).map(([name, file]) => [name, readYaml(file) as ChangeRequest]));
}

/** What upgrades a host, by programs. */
export function upgradeOf({ upgrade }: FleetConfig): UpgradeHandler | undefined {
  if (!upgrade) return undefined;
  const { command, ready } = upgrade;
  return {
    async upgrade(host, { signal }) {
      const code = await run(command, host, signal);
      if (code !== 0)
        throw Object.assign(new Error(`${command[0]} for ${host} ended with ${code}`), { code: 'UPGRADE_FAILED' });
    },
    ...(ready && {
      ready: async (host: string, { signal }: { readonly signal: AbortSignal }) =>
        (await run(ready, host, signal)) === 0,
    }),
  };
}

/** Runs a program without a shell, so that no name of a host is anything but an argument. */
function run(words: readonly string[], host: string, signal: AbortSignal): Promise<number | null> {
  const [program = '', ...args] = words.map((word) => word.replaceAll('{host}', host));
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], signal });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code));
  });
}

const invalid = (message: string, remedy: string): EngineError => new EngineError('CONFIG_INVALID', message, remedy);
