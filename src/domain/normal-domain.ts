import type { Leaves } from '../xml/index.js';
import type { NormalizationRule } from './devices/kind.js';
import { NOTHING_SAID } from './normal.js';
import { DOMAIN_DEFINED } from './normal-defined.js';
import { DOMAIN_UNREAD } from './normal-unread.js';
import { numbersOf } from './settings/cpuset.js';

/** Lists in which the order says nothing: what an element is about stands in one of its attributes. */
const KEYS: Readonly<Record<string, string>> = {
  'cpu/feature': '@name',
  'cpu/cache': '@level',
  'cpu/numa/cell': '@id',
  'cpu/numa/cell/distances/sibling': '@id',
  'os/firmware/feature': '@name',
  'clock/timer': '@name',
  'cputune/vcpupin': '@vcpu',
  'cputune/iothreadpin': '@iothread',
  'numatune/memnode': '@cellid',
  'iothreadids/iothread': '@id',
  'vcpus/vcpu': '@id',
  'blkiotune/device': 'path',
  sysinfo: '@type',
  'sysinfo/entry': '@name',
  seclabel: '@model',
  'idmap/uid': '@start',
  'idmap/gid': '@start',
  'sysinfo/bios/entry': '@name',
  'sysinfo/system/entry': '@name',
  'sysinfo/baseBoard/entry': '@name',
  'sysinfo/chassis/entry': '@name',
  'perf/event': '@name',
  'keywrap/cipher': '@name',
};

/** Elements for a set of threads, of which libvirt writes one for every thread (virDomainSchedulerFormat). */
const APART: Readonly<Record<string, string>> = {
  'cputune/vcpusched': '@vcpus',
  'cputune/iothreadsched': '@iothreads',
};

/** True when every number of the set that is asked for is in that of the document. */
function isPartOf(asked: Leaves, there: Leaves, path: string): boolean {
  const all = new Set(numbersOf(there.get(path) ?? '0', path));
  return numbersOf(asked.get(path) ?? '0', path).every((each) => all.has(each));
}

/** A label of type `none` is not relabelled anyway, and libvirt need not write it (virDomainDefFormatInternalSetRootName). */
const SECLABELS_OFF: readonly NormalizationRule[] = ['dac', 'selinux', 'apparmor', '0'].map((model) => ({
  path: `seclabel{${model}}/@relabel`,
  where: { [`seclabel{${model}}/@type`]: ['none'] },
  asked: /^no$/,
  there: 'nothing',
  source: 'virSecurityLabelDefFormat',
}));

/** What libvirt writes otherwise than it was asked for, outside the devices. */
export const DOMAIN_NORMAL: readonly NormalizationRule[] = [
  NOTHING_SAID,
  ...DOMAIN_DEFINED,
  ...DOMAIN_UNREAD,
  { path: '@id', there: 'nothing', source: 'virDomainDefFormatInternalSetRootName: a running domain has it' },
  { path: 'os/smbios/@mode', asked: /^none$/, there: 'nothing', source: 'virDomainDefFormatInternalSetRootName' },
  {
    path: /^cpu\/numa\/cell\{0\}\/@cpus$/,
    there: isPartOf,
    source: 'qemuDomainDefNumaCPUsRectify: vCPUs that no cell names are in the first',
  },
  { path: /^seclabel\{[^}]*\}\/@type$/, asked: /^none$/, there: 'nothing', source: 'virSecurityLabelDefFormat' },
  ...SECLABELS_OFF,
  // A domain that has run forbids to fall back: its model was found.
  { path: 'cpu/model/@fallback', asked: /^forbid$/, there: ['allow'], source: 'virCPUUpdateLive' },
  {
    path: 'cpu/@match',
    where: { 'cpu/@mode': ['host-model', 'host-passthrough', 'maximum'] },
    there: 'nothing',
    source: 'virCPUDefFormatBufFull: only a custom CPU is matched',
  },
  {
    path: /^cpu\/(model|vendor)(\/|$)/,
    where: { 'cpu/@mode': ['host-passthrough', 'maximum'] },
    there: 'nothing',
    source: 'virCPUDefFormatBuf: such a CPU has no model',
  },
  // With the model of the host there is none to fall back from.
  {
    path: 'cpu/model/@fallback',
    where: { 'cpu/@mode': ['host-model'] },
    there: 'nothing',
    source: 'virCPUDefFormatBuf',
  },
  { path: 'numatune/memory/@placement', asked: /^static$/, there: 'nothing', source: 'virDomainNumatuneFormatXML' },
  { path: 'memtune', asked: /^9007199254740991$/, there: 'nothing', source: 'VIR_DOMAIN_MEMORY_PARAM_UNLIMITED' },
  {
    path: /^seclabel(\{[^}]*\})?\/(label|imagelabel)$/,
    there: 'nothing',
    source: 'virSecurityLabelDefFormat: a running domain has them',
  },
];

const AT_START = 'a running domain has it';

/** What the document of a running domain says and the canonical one need not: libvirt found it out at the start. */
export const DOMAIN_RUNNING: readonly NormalizationRule[] = [
  ...['@mode', '@match', '@check', 'model/@fallback'].map(
    (path): NormalizationRule => ({ path: `cpu/${path}`, there: 'any', source: 'virCPUUpdateLive' }),
  ),
  // Beside host-model a model says nothing, and beside match='minimum' the least: such a guest runs with what its host has.
  {
    path: /^cpu\/(model|vendor)$/,
    there: (_, there) => there.get('cpu/@match') === 'minimum' || there.get('cpu/@mode') === 'host-model',
    source: 'virCPUx86UpdateLive',
  },
  { path: /^cpu\/feature\{[^}]*\}\/@policy$/, there: 'any', source: 'virCPUUpdateLive' },
  // QEMU gets the memory of a cell in whole MiB.
  { path: /^cpu\/numa\/cell\{\d+\}\/@(memory|unit)$/, there: 'any', source: 'qemuDomainAlignMemorySizes' },
  ...['maxMemory', 'maxMemory/@unit'].map(
    (path): NormalizationRule => ({ path, there: 'any', source: 'qemuDomainAlignMemorySizes' }),
  ),
  // A start turns local time into an adjustment of UTC, and a guest that sets its clock changes the adjustment.
  { path: 'clock/@basis', asked: /^utc$/, there: ['localtime'], source: 'qemuBuildClockArgStr' },
  { path: 'clock/@adjustment', there: 'any', source: 'qemuBuildClockArgStr, qemuProcessHandleRTCChange' },
  ...['cpu', 'resource', 'seclabel', 'features', 'vcpus', 'os/loader', 'os/nvram', 'os/firmware'].map(
    (name): NormalizationRule => ({ path: new RegExp(`^${name}[/{]|^${name}$`), there: 'nothing', source: AT_START }),
  ),
];

/** A value and where in its document it stands. */
export interface Said {
  readonly path: string;
  readonly value: string;
}

/** Leaves by what they are about: `cpu/numa/cell{1}/@cpus` is that of the cell with id 1, wherever it stands. */
export function keyedLeaves(leaves: Leaves): Map<string, Said> {
  const keyed = new Map<string, Said>();
  for (const [path, value] of leaves) {
    // Of two that are about the same, libvirt reads the first.
    for (const key of keysOf(path, leaves)) if (!keyed.has(key)) keyed.set(key, { path, value });
  }
  return keyed;
}

/** The prefixes that libvirt itself gives to the namespaces of other parts of its document. */
const PREFIXES: Readonly<Record<string, string>> = Object.fromEntries(
  ['qemu', 'lxc', 'bhyve', 'xen'].map((name) => [`http://libvirt.org/schemas/domain/${name}/1.0`, `${name}:`]),
);

/** The step of a path with libvirt's prefix in place of the one that stands there, or of none. */
function withPrefix(step: string, at: string, leaves: Leaves): string {
  const [, prefix, local = step] = /^(?:([^:@]+):)?([^:]+)$/.exec(step) ?? [];
  const declared = prefix === undefined ? '@xmlns' : `@xmlns:${prefix}`;
  for (let scope = at; ; scope = scope.slice(0, Math.max(scope.lastIndexOf('/'), 0))) {
    const uri = leaves.get(scope === '' ? declared : `${scope}/${declared}`);
    if (uri !== undefined) return `${PREFIXES[uri] ?? `${uri}:`}${local}`;
    if (scope === '') return step;
  }
}

function keysOf(path: string, leaves: Leaves): string[] {
  if (/(^|\/)@xmlns(:|$)/.test(path)) return [];
  let [at, keys] = ['', ['']];
  for (const given of path.split('/')) {
    at = at === '' ? given : `${at}/${given}`;
    const step = given.startsWith('@') ? given : withPrefix(given, at, leaves);
    const plain = at.replace(/\[\d+\]/g, '');
    const name = step.replace(/\[\d+\]/, '');
    const slash = (key: string) => (key === '' ? '' : `${key}/`);
    const set = APART[plain];
    if (set !== undefined) {
      if (path === `${at}/${set}`) return [];
      const threads = numbersOf(leaves.get(`${at}/${set}`) ?? '0', at);
      keys = keys.flatMap((key) => threads.map((thread) => `${slash(key)}${name}{${thread}}`));
      continue;
    }
    const attribute = KEYS[plain];
    const nth = Number(/\[(\d+)\]$/.exec(step)?.[1] ?? 1);
    const key = attribute && (leaves.get(`${at}/${attribute}`) ?? String(nth - 1));
    keys = keys.map((each) => `${slash(each)}${key === undefined ? step : `${name}{${key}}`}`);
  }
  return keys;
}
