/** A field of `<domain>`, outside its devices, that belongs to the guest ABI. */
export interface DomainAbiRow {
  /** Path of one value; with `/**` everything below the element and the element itself. */
  readonly path: string;
  /** The libvirt function that compares it, or why it is compared beyond libvirt. */
  readonly source: string;
  /** `filled`: QEMU and libvirt fill it in while the guest runs, so that canonical and live document differ by themselves. */
  readonly live?: 'filled';
  /** A call changes it while the machine stays the same one: compared only when asked for, as libvirt itself does. */
  readonly volatile?: true;
  /** An amount with a `unit` attribute. */
  readonly amount?: true;
  /** An amount of memory, of which QEMU gets whole MiB (qemuDomainAlignMemorySizes): a running guest has as much. */
  readonly aligned?: true;
}

const CHECK = 'virDomainDefCheckABIStabilityFlags';
const CPU = 'virCPUDefIsEqual';
const NUMA = 'virDomainNumaCheckABIStability';
const TIMER = 'virDomainTimerDefCheckABIStability';
const FEATURES = 'virDomainDefFeaturesCheckABIStability';
const BEYOND = 'beyond libvirt: the firmware that a guest boots with, and its variables, are part of the machine';
const VCPUS = 'virDomainDefVcpuCheckAbiStability';
const MEMORY = 'virDomainMemtuneCheckABIStability';

/** Features whose state libvirt compares. Not compared: msrs, tcg, async-teardown. */
const FEATURE_NAMES = [
  ...['acpi', 'apic', 'pae', 'hap', 'hyperv', 'viridian', 'kvm', 'xen', 'privnet', 'pvspinlock', 'capabilities'],
  ...['pmu', 'vmport', 'gic', 'smm', 'ioapic', 'hpt', 'vmcoreinfo', 'htm', 'nested-hv', 'ccf-assist', 'cfpc'],
  ...['sbbc', 'ibs', 'ras', 'ps2', 'aia'],
];

/** Everything of a domain, but for its devices, that the guest sees and that libvirt keeps the same. */
export const DOMAIN_ABI: readonly DomainAbiRow[] = [
  { path: '@type', source: CHECK },
  { path: 'uuid', source: CHECK },
  { path: 'genid', source: CHECK },
  { path: 'name', source: CHECK, volatile: true },
  { path: 'memory', source: MEMORY, amount: true, aligned: true },
  { path: 'currentMemory', source: MEMORY, amount: true, volatile: true },
  { path: 'maxMemory', source: MEMORY, amount: true },
  { path: 'maxMemory/@slots', source: MEMORY },
  { path: 'memoryBacking/source/@type', source: 'qemuDomainABIStabilityCheck' },
  { path: 'vcpu', source: VCPUS },
  { path: 'vcpu/@current', source: VCPUS, volatile: true },
  { path: 'vcpus/vcpu/@enabled', source: VCPUS, volatile: true },
  { path: 'vcpus/vcpu/@order', source: VCPUS, volatile: true },
  { path: 'os/type', source: CHECK },
  { path: 'os/type/@arch', source: CHECK },
  { path: 'os/type/@machine', source: CHECK },
  { path: 'os/smbios/@mode', source: CHECK },
  { path: 'os/@firmware', source: BEYOND },
  { path: 'os/loader/**', source: BEYOND, live: 'filled' },
  { path: 'os/nvram', source: BEYOND, live: 'filled' },
  { path: 'os/nvram/source/@file', source: BEYOND, live: 'filled' },
  ...FEATURE_NAMES.map((name) => ({ path: `features/${name}/**`, source: FEATURES, live: 'filled' as const })),
  ...['name', 'present', 'frequency', 'mode'].map((name) => ({ path: `clock/timer/@${name}`, source: TIMER })),
  ...['cpu/@mode', 'cpu/@check', 'cpu/model', 'cpu/model/@vendor_id', 'cpu/vendor'].map((path) => ({
    path,
    source: CPU,
    live: 'filled' as const,
  })),
  ...['sockets', 'dies', 'clusters', 'cores', 'threads'].map((name) => ({
    path: `cpu/topology/@${name}`,
    source: CPU,
  })),
  ...['cpu/feature/@name', 'cpu/feature/@policy'].map((path) => ({ path, source: CPU, live: 'filled' as const })),
  ...['cpu/cache/@level', 'cpu/cache/@mode'].map((path) => ({ path, source: CPU, live: 'filled' as const })),
  ...['cpu/maxphysaddr/@mode', 'cpu/maxphysaddr/@bits'].map((path) => ({ path, source: CPU, live: 'filled' as const })),
  { path: 'cpu/@migratable', source: 'beyond libvirt: it decides which features host-passthrough has', live: 'filled' },
  ...['cpus', 'unit'].map((name) => ({ path: `cpu/numa/cell/@${name}`, source: NUMA })),
  { path: 'cpu/numa/cell/@memory', source: NUMA, aligned: true },
  { path: 'cpu/numa/cell/distances/**', source: NUMA },
  { path: 'sysinfo/**', source: 'virSysinfoIsEqual' },
  { path: 'devices/redirfilter/**', source: 'virDomainRedirFilterDefCheckABIStability' },
];
