import type { DomainSpec, ErrorCode, SettingsRequest } from '../../../src/index.js';

/** One value of a setting as it is proved on a real domain. */
export interface SettingCase {
  readonly setting: keyof SettingsRequest;
  /** What sets it apart from the setting's other cases. */
  readonly title: string;
  /** Session mode can do it, or only a privileged daemon, or no libvirt at hand (`none`, with `why`). */
  readonly host: 'session' | 'privileged' | 'none';
  readonly why?: string;
  /** The first libvirt that can do it: one before it is asserted to refuse, see {@link refusals}. */
  readonly since?: string;
  /** A queueing discipline that the kernel of the host must have for the running domain. */
  readonly qdisc?: string;
  /** The domain's state it is tried in. Default both. */
  readonly states?: ReadonlyArray<'off' | 'running'>;
  /** What the domain must be defined with. */
  readonly domain?: Partial<DomainSpec>;
  /** Settings that must be made before. */
  readonly first?: SettingsRequest;
  /** Set one after the other; all are undone in reverse. */
  readonly values: ReadonlyArray<{
    readonly value: unknown;
    /** What the canonical document then holds, by XPath; null for nothing. */
    readonly shows: Readonly<Record<string, string | null>>;
    /** What the running guest's document holds; left out when it is the same. */
    readonly liveShows?: Readonly<Record<string, string | null>>;
  }>;
  /** `off`: only a guest's operating system lets a CPU go, so that on a running domain nothing is undone here. */
  readonly undone?: 'off';
  /** What undoing leaves behind, since libvirt has no call for it: these XPaths are not compared. */
  readonly leaves?: readonly string[];
}

/** Something that libvirt refuses: the plan says so, and the bare call shows it. */
export interface RefusalCase {
  readonly setting: keyof SettingsRequest;
  readonly title: string;
  /** The first libvirt that does not refuse it: there the plan makes the call, and it holds. */
  readonly until?: string;
  readonly host: 'session' | 'privileged';
  readonly state: 'off' | 'running';
  readonly domain?: Partial<DomainSpec>;
  /** Settings that must be made before. */
  readonly first?: SettingsRequest;
  readonly value: unknown;
  /** A refusal of the plan with this reason, or an error with this code. */
  readonly plan: RegExp | ErrorCode;
  /** The call that libvirt refuses, with the number of its error. */
  readonly bare: {
    readonly procedure: string;
    readonly args: Readonly<Record<string, unknown>>;
    readonly error: number;
  };
}

const four: Partial<DomainSpec> = { vcpus: { current: 2, maximum: 4 } };
const pool = (id: number, attribute: string) => `iothreadids/iothread[@id='${id}']/@${attribute}`;
const tune = (name: string) => `devices/disk[target/@dev='vda']/iotune/${name}`;
const ullong = (field: string, value: number) => ({ field, value: { type: 'ullong', value } });
/** Cases on a bridge take it to be there under this name. */
export const BRIDGE = 'br0';
const mac = '52:54:00:00:00:01';
const metadataOf = (uri: string) => `metadata/*[namespace-uri()='${uri}']`;

/** What each setting can do, and where it is proved. */
export const cases: readonly SettingCase[] = [
  {
    setting: 'memory',
    title: 'current',
    host: 'session',
    domain: { memory: { current: '64 MiB', maximum: '128 MiB' } },
    values: [
      { value: '96 MiB', shows: { currentMemory: '98304', memory: '131072' }, liveShows: {} },
      { value: { current: '128 MiB' }, shows: { currentMemory: '131072' }, liveShows: {} },
    ],
  },
  {
    setting: 'memory',
    title: 'maximum',
    host: 'session',
    values: [
      {
        value: { maximum: '256 MiB' },
        shows: { memory: '262144', currentMemory: '65536' },
        liveShows: { memory: '65536' },
      },
      {
        value: { current: '32 MiB', maximum: '48 MiB' },
        shows: { memory: '49152', currentMemory: '32768' },
        liveShows: {},
      },
    ],
  },
  {
    setting: 'balloonStatsPeriod',
    title: 'on, other, off',
    host: 'session',
    values: [
      { value: 5, shows: { 'devices/memballoon/stats/@period': '5' } },
      { value: 10, shows: { 'devices/memballoon/stats/@period': '10' } },
      { value: 0, shows: { 'devices/memballoon/stats': null } },
    ],
  },
  {
    setting: 'vcpus',
    title: 'current, up',
    host: 'session',
    domain: four,
    undone: 'off',
    values: [
      { value: 3, shows: { 'vcpu/@current': '3', vcpu: '4' } },
      { value: 4, shows: { 'vcpu/@current': null, vcpu: '4' } },
    ],
    // libvirt lists vCPUs once they have been plugged one by one.
    leaves: ['vcpus'],
  },
  {
    setting: 'vcpus',
    title: 'maximum',
    host: 'session',
    domain: four,
    values: [{ value: { maximum: 8 }, shows: { vcpu: '8', 'vcpu/@current': '2' }, liveShows: { vcpu: '4' } }],
  },
  {
    setting: 'vcpuState',
    title: 'online',
    host: 'session',
    domain: four,
    undone: 'off',
    values: [
      { value: { 3: 'online' }, shows: { "vcpus/vcpu[@id='3']/@enabled": 'yes', 'vcpu/@current': '3' } },
      { value: { 2: 'online' }, shows: { "vcpus/vcpu[@id='2']/@enabled": 'yes', 'vcpu/@current': null } },
    ],
    leaves: ['vcpus'],
  },
  {
    setting: 'vcpuState',
    title: 'online and offline',
    host: 'session',
    states: ['off'],
    domain: four,
    values: [
      { value: { 3: 'online' }, shows: { "vcpus/vcpu[@id='3']/@enabled": 'yes', 'vcpu/@current': '3' } },
      {
        value: { 3: 'offline', 2: 'online' },
        shows: { "vcpus/vcpu[@id='3']/@enabled": 'no', "vcpus/vcpu[@id='2']/@enabled": 'yes' },
      },
    ],
    leaves: ['vcpus'],
  },
  {
    setting: 'cputune',
    title: 'shares',
    host: 'privileged',
    values: [{ value: { shares: 512 }, shows: { 'cputune/shares': '512' } }],
    leaves: ['cputune/shares', 'cputune'],
  },
  {
    setting: 'cputune',
    title: 'quotas',
    host: 'privileged',
    values: [
      {
        value: { period: 50_000, quota: 25_000, globalPeriod: 50_000, globalQuota: 90_000 },
        shows: {
          'cputune/period': '50000',
          'cputune/quota': '25000',
          'cputune/global_period': '50000',
          'cputune/global_quota': '90000',
        },
      },
      {
        value: { emulatorPeriod: 50_000, emulatorQuota: 20_000, quota: null },
        shows: { 'cputune/emulator_period': '50000', 'cputune/emulator_quota': '20000', 'cputune/quota': null },
        liveShows: { 'cputune/emulator_period': '50000', 'cputune/emulator_quota': '20000' },
      },
    ],
    leaves: ['cputune'],
  },
  {
    setting: 'cputune',
    title: 'quota of IOThreads',
    host: 'privileged',
    first: { iothreads: { 1: {} } },
    values: [
      {
        value: { iothreadPeriod: 50_000, iothreadQuota: 20_000 },
        shows: { 'cputune/iothread_period': '50000', 'cputune/iothread_quota': '20000' },
      },
    ],
    leaves: ['cputune'],
  },
  {
    setting: 'vcpuPin',
    title: 'set and replaced',
    host: 'session',
    domain: four,
    values: [
      {
        value: { 0: '0-1', 1: '1' },
        shows: { "cputune/vcpupin[@vcpu='0']/@cpuset": '0-1', "cputune/vcpupin[@vcpu='1']/@cpuset": '1' },
      },
      { value: { 0: '0,1,^1' }, shows: { "cputune/vcpupin[@vcpu='0']/@cpuset": '0' } },
    ],
    leaves: ['cputune'],
  },
  {
    setting: 'emulatorPin',
    title: 'set and replaced',
    host: 'session',
    values: [
      { value: '0-1', shows: { 'cputune/emulatorpin/@cpuset': '0-1' } },
      { value: '1', shows: { 'cputune/emulatorpin/@cpuset': '1' } },
    ],
    leaves: ['cputune'],
  },
  {
    setting: 'iothreads',
    title: 'added, with a pool, removed',
    host: 'session',
    values: [
      { value: { 1: {}, 2: {} }, shows: { iothreads: '2' } },
      {
        value: { 2: { threadPoolMin: 2, threadPoolMax: 8 } },
        shows: { [pool(2, 'thread_pool_min')]: '2', [pool(2, 'thread_pool_max')]: '8' },
      },
      {
        value: { 2: { threadPoolMin: null, threadPoolMax: 16 } },
        shows: { [pool(2, 'thread_pool_min')]: null, [pool(2, 'thread_pool_max')]: '16' },
        liveShows: { [pool(2, 'thread_pool_max')]: '16' },
      },
      { value: { 2: null }, shows: { iothreads: '1', [pool(2, 'id')]: null } },
    ],
    // A running guest shows QEMU's defaults once they were set by number.
    leaves: ['iothreadids'],
  },
  {
    setting: 'iothreads',
    title: 'polling',
    host: 'session',
    since: '9.4.0',
    first: { iothreads: { 1: {} } },
    values: [
      {
        value: { 1: { pollMaxNs: 1000, pollGrow: 2, pollShrink: 3 } },
        shows: {
          "iothreadids/iothread[@id='1']/poll/@max": '1000',
          "iothreadids/iothread[@id='1']/poll/@grow": '2',
          "iothreadids/iothread[@id='1']/poll/@shrink": '3',
        },
      },
      { value: { 1: { pollMaxNs: 0 } }, shows: { "iothreadids/iothread[@id='1']/poll/@max": '0' } },
    ],
    leaves: ['iothreadids'],
  },
  {
    setting: 'iothreadPin',
    title: 'set and replaced',
    host: 'session',
    first: { iothreads: { 1: {}, 2: {} } },
    values: [
      { value: { 1: '0-1', 2: '1' }, shows: { "cputune/iothreadpin[@iothread='1']/@cpuset": '0-1' } },
      { value: { 1: '1' }, shows: { "cputune/iothreadpin[@iothread='1']/@cpuset": '1' } },
    ],
    leaves: ['cputune', 'iothreadids'],
  },
  {
    setting: 'numatune',
    title: 'mode and nodes, at the next boot',
    host: 'session',
    values: [
      {
        value: { mode: 'strict', nodeset: '0' },
        shows: { 'numatune/memory/@mode': 'strict', 'numatune/memory/@nodeset': '0' },
        liveShows: { numatune: null },
      },
      { value: { mode: 'preferred' }, shows: { 'numatune/memory/@mode': 'preferred' }, liveShows: { numatune: null } },
    ],
    leaves: ['numatune'],
  },
  {
    setting: 'memtune',
    title: 'limits, and none',
    host: 'privileged',
    values: [
      {
        value: { softLimit: '1 GiB', hardLimit: '2 GiB', swapHardLimit: '3 GiB' },
        shows: {
          'memtune/soft_limit': '1048576',
          'memtune/hard_limit': '2097152',
          'memtune/swap_hard_limit': '3145728',
        },
      },
      {
        value: { softLimit: null, hardLimit: '1536 MiB' },
        shows: { 'memtune/soft_limit': null, 'memtune/hard_limit': '1572864' },
      },
    ],
  },
  {
    setting: 'blkiotune',
    title: 'weight',
    host: 'privileged',
    values: [
      { value: { weight: 200 }, shows: { 'blkiotune/weight': '200' } },
      { value: { weight: null }, shows: { blkiotune: null }, liveShows: { 'blkiotune/weight': '100' } },
    ],
    // A running guest gets the kernel's default by number.
    leaves: ["blkiotune[weight='100'][not(device)]"],
  },
  {
    setting: 'blkiotune',
    title: 'limits of a device',
    host: 'privileged',
    // A private host's /dev has no block device that a running domain could be limited on.
    states: ['off'],
    values: [
      {
        value: { devices: { '/dev/loop0': { readIopsSec: 100, writeBytesSec: '1 MiB' } } },
        shows: {
          "blkiotune/device[path='/dev/loop0']/read_iops_sec": '100',
          'blkiotune/device/write_bytes_sec': '1048576',
        },
      },
      {
        value: { devices: { '/dev/loop0': { readIopsSec: null } } },
        shows: { 'blkiotune/device/read_iops_sec': null },
      },
      { value: { devices: { '/dev/loop0': null } }, shows: { blkiotune: null } },
    ],
  },
  {
    setting: 'iotune',
    title: 'limits, bursts, none',
    host: 'session',
    values: [
      {
        value: { vda: { totalBytesSec: '10 MiB', totalIopsSec: 500 } },
        shows: { [tune('total_bytes_sec')]: '10485760', [tune('total_iops_sec')]: '500' },
      },
      {
        value: { root: { totalIopsSec: null, readIopsSec: 100, readIopsSecMax: 200, readIopsSecMaxLength: 5000 } },
        shows: {
          [tune('total_bytes_sec')]: '10485760',
          [tune('total_iops_sec')]: null,
          [tune('read_iops_sec')]: '100',
          [tune('read_iops_sec_max')]: '200',
          [tune('read_iops_sec_max_length')]: '5',
        },
      },
      {
        value: { 'ua-root': { writeIopsSec: 50, sizeIopsSec: '4 KiB' } },
        shows: { [tune('read_iops_sec')]: '100', [tune('write_iops_sec')]: '50', [tune('size_iops_sec')]: '4096' },
      },
      { value: { vda: null }, shows: { 'devices/disk/iotune': null } },
    ],
  },
  {
    setting: 'iotune',
    title: 'a group',
    host: 'session',
    values: [
      {
        value: { vda: { totalIopsSec: 300, groupName: 'slow' } },
        shows: { [tune('group_name')]: 'slow', [tune('total_iops_sec')]: '300' },
      },
      {
        value: { vda: { totalIopsSec: 400 } },
        shows: { [tune('group_name')]: 'slow', [tune('total_iops_sec')]: '400' },
      },
      { value: { vda: null }, shows: { 'devices/disk/iotune': null } },
    ],
  },
  {
    setting: 'throttleGroups',
    title: 'set, changed, removed',
    host: 'session',
    since: '11.2.0',
    values: [
      {
        value: { slow: { totalIopsSec: 300 } },
        shows: { "throttlegroups/throttlegroup[group_name='slow']/total_iops_sec": '300' },
      },
      {
        value: { slow: { readBytesSec: '1 MiB' } },
        shows: {
          "throttlegroups/throttlegroup[group_name='slow']/total_iops_sec": '300',
          "throttlegroups/throttlegroup[group_name='slow']/read_bytes_sec": '1048576',
        },
      },
      { value: { slow: null }, shows: { throttlegroups: null } },
    ],
  },
  {
    setting: 'bandwidth',
    title: 'both ways',
    host: 'privileged',
    qdisc: 'sfq',
    domain: { interfaces: [{ id: 'lan', bridge: BRIDGE, mac }] },
    values: [
      {
        value: { lan: { inbound: { average: 1024, peak: 2048, burst: 512 }, outbound: { average: 256 } } },
        shows: {
          'devices/interface/bandwidth/inbound/@average': '1024',
          'devices/interface/bandwidth/inbound/@peak': '2048',
          'devices/interface/bandwidth/outbound/@average': '256',
        },
      },
      {
        value: { [mac]: { inbound: { peak: null }, outbound: null } },
        shows: {
          'devices/interface/bandwidth/inbound/@peak': null,
          'devices/interface/bandwidth/inbound/@burst': '512',
          'devices/interface/bandwidth/outbound': null,
        },
      },
    ],
    // libvirt keeps an empty <bandwidth/> in the canonical document.
    leaves: ['devices/interface/bandwidth'],
  },
  {
    setting: 'perf',
    title: 'on and off',
    host: 'privileged',
    values: [
      { value: { page_faults: true, cpu_clock: true }, shows: { "perf/event[@name='page_faults']/@enabled": 'yes' } },
      { value: { page_faults: false }, shows: { "perf/event[@name='page_faults']/@enabled": 'no' } },
    ],
    leaves: ['perf'],
  },
  {
    setting: 'lifecycle',
    title: 'each, and the pair in the right order',
    host: 'session',
    values: [
      { value: { onCrash: 'preserve' }, shows: { on_crash: 'preserve' } },
      { value: { onPoweroff: 'restart' }, shows: { on_poweroff: 'restart', on_reboot: 'restart' } },
      {
        value: { onPoweroff: 'destroy', onReboot: 'destroy' },
        shows: { on_poweroff: 'destroy', on_reboot: 'destroy' },
      },
      {
        value: { onPoweroff: 'restart', onReboot: 'restart', onCrash: 'coredump-restart' },
        shows: { on_poweroff: 'restart', on_reboot: 'restart', on_crash: 'coredump-restart' },
      },
    ],
  },
  {
    setting: 'title',
    title: 'set, changed, removed',
    host: 'session',
    values: [
      { value: 'Web & <more>', shows: { title: 'Web & <more>' } },
      { value: 'other', shows: { title: 'other' } },
      { value: null, shows: { title: null } },
    ],
  },
  {
    setting: 'description',
    title: 'lines, set and removed',
    host: 'session',
    values: [
      { value: 'one\ntwo "three" & <four>', shows: { description: 'one\ntwo "three" & <four>' } },
      { value: null, shows: { description: null } },
    ],
  },
  {
    setting: 'metadata',
    title: 'two namespaces, nested prefixes, removed',
    host: 'session',
    values: [
      {
        value: {
          'urn:one': { prefix: 'one', xml: "<a x='1'><b>A &amp; B</b></a>" },
          'urn:two': { prefix: 'two', xml: '<c xmlns:in="urn:in"><in:d in:k="v">t</in:d><in:d/></c>' },
        },
        shows: { [`${metadataOf('urn:one')}/@x`]: '1', [`${metadataOf('urn:two')}/*[1]`]: 't' },
      },
      { value: { 'urn:one': { prefix: 'uno', xml: '<a x="2"/>' } }, shows: { [`${metadataOf('urn:one')}/@x`]: '2' } },
      {
        value: { 'urn:one': null, 'urn:two': null },
        shows: { [metadataOf('urn:one')]: null, [metadataOf('urn:two')]: null },
      },
    ],
    // libvirt keeps an empty <metadata/>.
    leaves: ['metadata[not(*)]'],
  },
  {
    setting: 'autostart',
    title: 'on, off',
    host: 'session',
    values: [
      { value: true, shows: {} },
      { value: false, shows: {} },
    ],
  },
  {
    setting: 'autostartOnce',
    title: 'on, off',
    host: 'session',
    since: '11.2.0',
    values: [
      { value: true, shows: {} },
      { value: false, shows: {} },
    ],
  },
  {
    setting: 'name',
    title: 'renamed',
    host: 'session',
    states: ['off'],
    values: [
      { value: 'another name', shows: { name: 'another name' } },
      { value: 'Größe-2', shows: { name: 'Größe-2' } },
    ],
  },
];

const flags = 2;
/** What the plan refuses, with the bare call that libvirt refuses too. */
export const refusals: readonly RefusalCase[] = [
  {
    setting: 'memory',
    title: 'more than the maximum',
    host: 'session',
    state: 'running',
    value: { current: '2 GiB', maximum: '1 GiB' },
    plan: 'SPEC_INVALID',
    bare: { procedure: 'DOMAIN_SET_MEMORY_FLAGS', args: { memory: 2_097_152, flags: 1 }, error: 8 },
  },
  {
    setting: 'balloonStatsPeriod',
    title: 'no balloon',
    host: 'session',
    state: 'off',
    domain: { devices: ["<memballoon model='none'/>"] },
    value: 5,
    plan: /no virtio memory balloon/,
    bare: { procedure: 'DOMAIN_SET_MEMORY_STATS_PERIOD', args: { period: 5, flags }, error: 1 },
  },
  {
    setting: 'vcpuState',
    title: 'vCPU 0',
    host: 'session',
    state: 'off',
    domain: four,
    value: { 0: 'offline' },
    plan: 'SPEC_INVALID',
    bare: { procedure: 'DOMAIN_SET_VCPU', args: { cpumap: '0', state: 0, flags }, error: 8 },
  },
  {
    setting: 'cputune',
    title: 'session mode',
    host: 'session',
    state: 'off',
    value: { shares: 512 },
    plan: /session mode/,
    bare: {
      procedure: 'DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS',
      args: { params: [ullong('cpu_shares', 512)], flags },
      error: 67,
    },
  },
  {
    setting: 'memtune',
    title: 'session mode',
    host: 'session',
    state: 'off',
    value: { hardLimit: '1 GiB' },
    plan: /session mode/,
    bare: {
      procedure: 'DOMAIN_SET_MEMORY_PARAMETERS',
      args: { params: [ullong('hard_limit', 1_048_576)], flags },
      error: 84,
    },
  },
  {
    setting: 'blkiotune',
    title: 'session mode',
    host: 'session',
    state: 'off',
    value: { weight: 200 },
    plan: /session mode/,
    bare: {
      procedure: 'DOMAIN_SET_BLKIO_PARAMETERS',
      args: { params: [{ field: 'weight', value: { type: 'uint', value: 200 } }], flags },
      error: 67,
    },
  },
  {
    setting: 'numatune',
    title: 'a mode without nodes',
    host: 'session',
    state: 'off',
    value: { mode: 'strict' },
    plan: 'SPEC_INVALID',
    bare: {
      procedure: 'DOMAIN_SET_NUMA_PARAMETERS',
      args: { params: [{ field: 'numa_mode', value: { type: 'int', value: 0 } }], flags },
      error: 67,
    },
  },
  {
    setting: 'vcpuPin',
    title: 'a vCPU that is not there',
    host: 'session',
    state: 'off',
    value: { 7: '0' },
    plan: 'SPEC_INVALID',
    bare: { procedure: 'DOMAIN_PIN_VCPU_FLAGS', args: { vcpu: 7, cpumap: Uint8Array.of(1), flags }, error: 8 },
  },
  {
    setting: 'emulatorPin',
    title: 'no CPU',
    host: 'session',
    state: 'off',
    value: '0,^0',
    plan: 'SPEC_INVALID',
    bare: { procedure: 'DOMAIN_PIN_EMULATOR', args: { cpumap: Uint8Array.of(0), flags }, error: 8 },
  },
  {
    setting: 'iothreadPin',
    title: 'an IOThread that is not there',
    host: 'session',
    state: 'off',
    value: { 3: '0' },
    plan: 'SPEC_INVALID',
    bare: { procedure: 'DOMAIN_PIN_IOTHREAD', args: { iothreads_id: 3, cpumap: Uint8Array.of(1), flags }, error: 8 },
  },
  {
    setting: 'iothreads',
    title: 'polling before libvirt 9.4',
    until: '9.4.0',
    host: 'session',
    state: 'off',
    first: { iothreads: { 1: {} } },
    value: { 1: { pollMaxNs: 1000 } },
    plan: 'UNSUPPORTED',
    bare: {
      procedure: 'DOMAIN_SET_IOTHREAD_PARAMS',
      args: { iothread_id: 1, params: [ullong('poll_max_ns', 1000)], flags },
      error: 84,
    },
  },
  {
    setting: 'iotune',
    title: 'a burst below its limit',
    host: 'session',
    state: 'running',
    value: { vda: { totalIopsSec: 100, totalIopsSecMax: 50 } },
    plan: 'SPEC_INVALID',
    bare: {
      procedure: 'DOMAIN_SET_BLOCK_IO_TUNE',
      args: { disk: 'vda', params: [ullong('total_iops_sec', 100), ullong('total_iops_sec_max', 50)], flags: 1 },
      error: 67,
    },
  },
  {
    setting: 'iotune',
    title: 'total and read together',
    host: 'session',
    state: 'off',
    value: { vda: { totalIopsSec: 100, readIopsSec: 50 } },
    plan: 'SPEC_INVALID',
    bare: {
      procedure: 'DOMAIN_SET_BLOCK_IO_TUNE',
      args: { disk: 'vda', params: [ullong('total_iops_sec', 100), ullong('read_iops_sec', 50)], flags },
      error: 8,
    },
  },
  {
    setting: 'iotune',
    title: 'a group without limits',
    host: 'session',
    state: 'off',
    value: { vda: { groupName: 'empty' } },
    plan: 'SPEC_INVALID',
    bare: {
      procedure: 'DOMAIN_SET_BLOCK_IO_TUNE',
      args: { disk: 'vda', params: [{ field: 'group_name', value: { type: 'string', value: 'empty' } }], flags },
      error: 67,
    },
  },
  {
    setting: 'bandwidth',
    title: 'an interface of type user',
    host: 'session',
    state: 'off',
    value: { lan: { inbound: { average: 100 } } },
    plan: /type user/,
    bare: {
      procedure: 'DOMAIN_SET_INTERFACE_PARAMETERS',
      args: { device: mac, params: [{ field: 'inbound.average', value: { type: 'uint', value: 100 } }], flags },
      error: 67,
    },
  },
  {
    setting: 'throttleGroups',
    title: 'before libvirt 11.2',
    until: '11.2.0',
    host: 'session',
    state: 'off',
    value: { slow: { totalIopsSec: 1 } },
    plan: 'UNSUPPORTED',
    bare: {
      procedure: 'DOMAIN_SET_THROTTLE_GROUP',
      args: { group: 'slow', params: [ullong('total_iops_sec', 1)], flags },
      error: 3,
    },
  },
  {
    setting: 'autostartOnce',
    title: 'before libvirt 11.2',
    until: '11.2.0',
    host: 'session',
    state: 'off',
    value: true,
    plan: 'UNSUPPORTED',
    bare: { procedure: 'DOMAIN_SET_AUTOSTART_ONCE', args: { autostart: 1 }, error: 3 },
  },
  {
    setting: 'perf',
    title: 'session mode, live',
    host: 'session',
    state: 'running',
    value: { cpu_cycles: true },
    plan: /privileges/,
    bare: {
      procedure: 'DOMAIN_SET_PERF_EVENTS',
      args: { params: [{ field: 'cpu_cycles', value: { type: 'boolean', value: true } }], flags: 1 },
      error: 38,
    },
  },
  {
    setting: 'lifecycle',
    title: 'an action that QEMU does not have',
    host: 'session',
    state: 'off',
    value: { onPoweroff: 'preserve' },
    plan: 'SPEC_INVALID',
    bare: { procedure: 'DOMAIN_SET_LIFECYCLE_ACTION', args: { type: 0, action: 3, flags }, error: 67 },
  },
  {
    setting: 'lifecycle',
    title: 'restart on power-off with destroy on reboot',
    host: 'session',
    state: 'off',
    first: { lifecycle: { onReboot: 'destroy' } },
    value: { onPoweroff: 'restart' },
    plan: 'SPEC_INVALID',
    bare: { procedure: 'DOMAIN_SET_LIFECYCLE_ACTION', args: { type: 0, action: 1, flags }, error: 67 },
  },
  {
    setting: 'name',
    title: 'while it runs',
    host: 'session',
    state: 'running',
    value: 'elsewhere',
    plan: /shut off/,
    bare: { procedure: 'DOMAIN_RENAME', args: { new_name: 'elsewhere', flags: 0 }, error: 55 },
  },
];
