import { imageNormal } from './devices/disk-normal.js';
import type { NormalizationRule } from './devices/kind.js';
import { defaultValue, unread } from './devices/rows.js';

/** Security drivers, by which labels are known, and the place of one that names none. */
const MODELS = ['dac', 'selinux', 'apparmor', 'none', '0'];

/** Tables of SMBIOS and the names of what they hold. */
const SYSINFO: Readonly<Record<string, readonly string[]>> = {
  bios: ['vendor', 'version', 'date', 'release'],
  system: ['manufacturer', 'product', 'version', 'serial', 'uuid', 'sku', 'family'],
  baseBoard: ['manufacturer', 'product', 'version', 'serial', 'asset', 'location'],
  chassis: ['manufacturer', 'version', 'serial', 'asset', 'sku'],
};

/** What libvirt reads outside the devices only under a condition, or drops because it is what it does anyway. */
export const DOMAIN_UNREAD: readonly NormalizationRule[] = [
  // A clock that is adjusted is a variable one, whatever it was called.
  {
    path: 'clock/@offset',
    where: { 'clock/@adjustment': ['*'] },
    there: ['variable'],
    source: 'virDomainClockDefParseXML',
  },
  { path: 'clock/@adjustment', asked: /^reset$/, there: ['0'], source: 'virDomainClockDefParseXML' },
  {
    path: /^clock\/timer\{[^}]*\}\/(@frequency|catchup\/@\w+)$/,
    asked: /^0+$/,
    there: 'nothing',
    source: 'virDomainTimerDefFormat',
  },
  ...['cpu/@check', 'cpu/@match'].map((path): NormalizationRule => {
    const where = { 'cpu/model': [''], 'cpu/@mode': ['', 'custom'] };
    return { path, where, there: 'any', source: 'virCPUDefParseXML: without a model there is nothing to match' };
  }),
  {
    path: /^cpu\/numa\/cell\{\d+\}\/cache(\[\d+\])?\/@(associativity|policy)$/,
    asked: /^none$/,
    there: 'nothing',
    source: 'virDomainNumaDefFormatXML',
  },
  ...defaultValue('virDomainDefFeaturesFormat', {
    'features/capabilities/@policy': /^default$/,
    'features/tcg/tb-cache': /^0+$/,
    'features/tcg': /^\s*$/,
  }),
  {
    path: 'features/hyperv/spinlocks/@retries',
    where: { 'features/hyperv/spinlocks/@state': ['off'] },
    there: 'nothing',
    source: 'virDomainDefFormatFeatures',
  },
  ...unread('qemuDomainDefValidateFeatures: of pseries guests', ['features/hpt']),
  ...defaultValue('virDomainMemorybackingFormat', { 'memoryBacking/allocation/@threads': /^0+$/ }),
  {
    path: /^memoryBacking\/hugepages\/page(\[\d+\])?\/@nodeset$/,
    where: { 'cpu/numa/cell{0}/@memory': [''], 'cpu/numa/cell{0}/@cpus': [''] },
    asked: /^0$/,
    there: 'nothing',
    source: 'virDomainDefPostParseMemtune: without cells there is the one node',
  },
  ...defaultValue('virDomainMemtuneFormat', { 'memtune/min_guarantee': /^0+$/ }),
  {
    path: 'vcpu/@cpuset',
    where: { 'vcpu/@placement': ['auto'] },
    there: 'nothing',
    source: 'virDomainVcpuParse: the CPUs of a domain that is placed are not read',
  },
  {
    path: 'vcpu/@placement',
    where: { 'numatune/memory/@placement': ['auto'] },
    there: ['auto'],
    source: 'virDomainDefPostParseNumatune: memory that is placed takes the vCPUs along',
  },
  ...MODELS.flatMap((model): NormalizationRule[] => {
    const where = { [`seclabel{${model}}/@type`]: ['', 'dynamic'] };
    const source = 'virSecurityLabelDefFormat: a dynamic label is given at each start';
    return [{ path: `seclabel{${model}}`, where, there: 'nothing', source }];
  }),
  ...Object.entries(SYSINFO).flatMap(([table, names]) =>
    names.map((name): NormalizationRule => {
      const path = `sysinfo{smbios}/${table}/entry{${name}}`;
      return { path, where: { [path]: [''] }, there: 'nothing', source: 'virSysinfoFormat: an entry without a text' };
    }),
  ),
  ...unread('virSecurityStackGetModel: there are no labels without a driver', [/^seclabel\{none\}/]),
  ...imageNormal('os/nvram/'),
  // A kind of source without a place is none: it gets a file of libvirt's own.
  ...['os/nvram/@type', 'os/nvram/source'].map(
    (path): NormalizationRule => ({
      path,
      where: Object.fromEntries(
        ['@file', '@dev', '@protocol', '@pool', '@path', '@dir'].map((name) => [`os/nvram/source/${name}`, ['']]),
      ),
      there: 'any',
      source: 'qemuDomainDefBootPostParse',
    }),
  ),
  ...unread('virDomainLoaderDefParseXMLNvram', ['os/nvram/source'], { 'os/nvram/@type': ['*'] }),
  ...unread('virDomainDiskSourceFormat: for disks', ['os/nvram/source/@index', 'os/nvram/source/@startupPolicy']),
];
