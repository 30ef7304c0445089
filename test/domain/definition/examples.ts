import type { DefinitionParts } from '../../../src/domain/index.js';

/** A spec of one part, and where libvirt takes it. */
export interface Example {
  readonly part: Partial<DefinitionParts>;
  /** First libvirt whose schema has all of it. */
  readonly since?: string;
  /** First libvirt whose define refuses it on Debian, and what it says: no firmware there fits. */
  readonly refused?: { readonly since: string; readonly says: RegExp };
  /** Why no domain of an x86 guest without KVM can be defined with it. */
  readonly notHere?: string;
  /** What else the domain needs. */
  readonly with?: Readonly<Record<string, unknown>>;
}

const POWER = 'it is for POWER guests';
const NO_FIRMWARE = { since: '9.2.0', says: /Unable to find .*firmware/ };
const four = { vcpus: { current: 4, maximum: 4 } };

/** Every field of every part at least once. A test compares the list with the tables. */
export const EXAMPLES: readonly Example[] = [
  { part: { firmware: 'bios' } },
  { part: { firmware: 'efi' } },
  { part: { firmware: { efi: { secureBoot: true, enrolledKeys: true, nvram: '/tmp/v.fd' } } } },
  { part: { firmware: { efi: { secureBoot: false } } } },
  { part: { firmware: { efi: { stateless: true } } }, refused: NO_FIRMWARE },
  { part: { firmware: { efi: { format: 'qcow2' } } }, since: '9.2.0', refused: NO_FIRMWARE },
  {
    part: {
      firmware: {
        loader: '/usr/share/OVMF/OVMF_CODE_4M.ms.fd',
        type: 'pflash',
        readonly: true,
        secure: true,
        nvram: { path: '/tmp/x.fd', template: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd' },
      },
      features: { acpi: true, apic: true, smm: true },
    },
  },
  { part: { firmware: { loader: '/usr/share/seabios/bios.bin', type: 'rom' } } },
  {
    part: {
      firmware: { loader: '/usr/share/OVMF/OVMF_CODE_4M.fd', type: 'pflash', readonly: true, stateless: true },
    },
  },
  {
    part: {
      firmware: {
        loader: '/l',
        type: 'pflash',
        readonly: true,
        format: 'raw',
        nvram: { path: '/v', format: 'raw', template: '/t', templateFormat: 'raw' },
      },
    },
    since: '10.10.0',
  },
  { part: { boot: { menu: true, menuTimeout: 3000, rebootTimeout: -1 } } },
  {
    part: { boot: { menu: false, useSerial: true } },
    with: { devices: [{ serial: { pty: true, port: 0 } }] },
  },
  { part: { boot: { acpiTables: [{ type: 'slic', file: '/usr/share/seabios/bios.bin' }] } } },
  { part: { cpu: { mode: 'host-model' } } },
  { part: { cpu: { mode: 'host-passthrough', migratable: false } }, notHere: 'it needs KVM' },
  { part: { cpu: { mode: 'maximum', migratable: true } } },
  {
    part: {
      cpu: {
        mode: 'custom',
        model: 'EPYC',
        fallback: 'forbid',
        match: 'exact',
        check: 'partial',
        vendorId: 'AuthenticAMD',
        vendor: 'AMD',
        features: { svm: 'disable', aes: 'require', x2apic: 'optional', vmx: 'forbid', lahf_lm: 'force' },
        topology: { sockets: 1, dies: 1, cores: 2, threads: 2 },
        cache: { mode: 'emulate', level: 3 },
        maxphysaddr: { mode: 'emulate', bits: 42 },
      },
    },
    with: four,
  },
  {
    part: { cpu: { topology: { sockets: 1, dies: 1, clusters: 1, cores: 2, threads: 2 } } },
    since: '10.1.0',
    with: four,
  },
  {
    part: { cpu: { mode: 'maximum', maxphysaddr: { mode: 'passthrough', limit: 40 } } },
    since: '9.3.0',
    notHere: 'it needs KVM',
  },
  {
    part: {
      cpu: {
        numa: [
          { cpus: '0-1', memory: 64 * 1024 ** 2, memAccess: 'shared', discard: true, distances: { 0: 10, 1: 21 } },
          { cpus: '2-3', memory: 64 * 1024 ** 2, distances: { 0: 21, 1: 10 } },
        ],
      },
    },
    with: { ...four, memory: '128 MiB' },
  },
  {
    part: {
      cpu: {
        numa: [
          {
            cpus: '0-3',
            memory: 128 * 1024 ** 2,
            caches: [{ level: 1, associativity: 'direct', policy: 'writeback', size: 8192, line: 1024 }],
          },
        ],
        interconnects: {
          latencies: [{ initiator: 0, target: 0, cache: 1, type: 'access', value: 5 }],
          bandwidths: [{ initiator: 0, target: 0, type: 'read', value: 204_800 * 1024 }],
        },
      },
    },
    with: { ...four, memory: '128 MiB' },
  },
  { part: { vcpuPlacement: { cpuset: '0', placement: 'static' } } },
  { part: { vcpuPlacement: { placement: 'auto' } }, notHere: 'libvirt makes it one with automatic memory placement' },
  { part: { clock: { offset: 'utc', adjustment: 'reset' } } },
  { part: { clock: { offset: 'localtime' } } },
  { part: { clock: { offset: { timezone: 'Europe/Berlin' } } } },
  { part: { clock: { offset: { variable: -3600, basis: 'utc' } } } },
  { part: { clock: { offset: { absolute: 1_000_000_000 } } } },
  {
    part: {
      clock: {
        offset: 'utc',
        timers: {
          rtc: { tickpolicy: 'catchup', track: 'guest', catchup: { threshold: 123, slew: 120, limit: 10_000 } },
          pit: { tickpolicy: 'delay' },
          hpet: { present: false },
          hypervclock: { present: true },
          kvmclock: { present: true },
          tsc: { present: true, frequency: 3_000_000_000, mode: 'native' },
        },
      },
    },
  },
  { part: { clock: { timers: { platform: { track: 'boot' } } } }, notHere: 'it is for Xen' },
  { part: { clock: { timers: { armvtimer: { tickpolicy: 'discard' } } } }, notHere: 'it is for Arm' },
  {
    part: {
      features: {
        acpi: true,
        apic: { eoi: true },
        pae: true,
        smm: { tseg: 48 * 1024 ** 2 },
        pvspinlock: false,
        pmu: false,
        vmport: false,
        vmcoreinfo: true,
        ioapic: 'qemu',
        msrs: 'ignore',
        tcg: { tbCache: 128 * 1024 ** 2 },
        kvm: { hidden: true, hintDedicated: true, pollControl: true, pvIpi: false, dirtyRing: 4096 },
        hyperv: {
          mode: 'custom',
          relaxed: true,
          vapic: true,
          spinlocks: 8191,
          vpindex: true,
          runtime: true,
          synic: true,
          stimer: { direct: true },
          reset: true,
          vendorId: 'KVM Hv',
          frequencies: true,
          reenlightenment: true,
          tlbflush: true,
          ipi: true,
          evmcs: false,
          avic: false,
        },
      },
    },
  },
  {
    part: {
      features: {
        acpi: false,
        apic: false,
        smm: false,
        kvm: { dirtyRing: false },
        hyperv: { mode: 'custom', spinlocks: false, vendorId: false, stimer: false },
      },
    },
  },
  { part: { features: { acpi: true, apic: true, hyperv: { mode: 'passthrough' } } } },
  {
    part: {
      features: {
        acpi: true,
        apic: true,
        ps2: false,
        hyperv: { mode: 'custom', emsrBitmap: true, xmmInput: true, tlbflush: { direct: true, extended: true } },
      },
    },
    since: '11.0.0',
  },
  { part: { features: { acpi: true, apic: false, gic: 3 } }, notHere: 'it is for Arm' },
  {
    part: { features: { acpi: true, apic: false, gic: 'host', ras: true, aia: 'aplic' } },
    notHere: 'it is for Arm',
    since: '11.1.0',
  },
  { part: { features: { acpi: true, apic: true, asyncTeardown: true } }, since: '9.6.0', notHere: 'it is for S/390' },
  {
    part: {
      features: {
        acpi: false,
        apic: false,
        htm: true,
        nestedHv: false,
        ccfAssist: true,
        cfpc: 'fixed',
        sbbc: 'broken',
        ibs: 'fixed-na',
        hpt: { resizing: 'required', maxPageSize: 1024 ** 2 },
      },
    },
    notHere: POWER,
  },
  {
    part: {
      memoryBacking: {
        hugepages: [{ size: 2 * 1024 ** 2, nodeset: '0' }],
        source: 'memfd',
        access: 'shared',
        locked: true,
        nosharepages: true,
        allocation: { mode: 'immediate', threads: 2 },
        discard: true,
        dumpCore: false,
      },
      cpu: { numa: [{ cpus: '0-3', memory: 128 * 1024 ** 2 }] },
    },
    with: { ...four, memory: '128 MiB' },
  },
  { part: { memoryBacking: { hugepages: true } } },
  {
    part: {
      numatune: { mode: 'strict', nodeset: '0', placement: 'static', cells: { 0: { mode: 'strict', nodeset: '0' } } },
      cpu: { numa: [{ cpus: '0-3', memory: 128 * 1024 ** 2 }] },
    },
    with: { ...four, memory: '128 MiB' },
  },
  { part: { iothreads: 2 } },
  { part: { iothreads: { 1: {}, 2: { threadPoolMin: 1, threadPoolMax: 8 } } } },
  { part: { iothreads: { 1: { pollMaxNs: 32768, pollGrow: 2, pollShrink: 2 } } }, since: '9.4.0' },
  { part: { defaultiothread: { threadPoolMin: 1, threadPoolMax: 16 } } },
  {
    part: {
      iothreads: 1,
      cputune: {
        vcpuPin: { 0: '0', 1: '0' },
        emulatorPin: '0',
        iothreadPin: { 1: '0' },
        shares: 2048,
        period: 100_000,
        quota: -1,
        globalPeriod: 100_000,
        globalQuota: -1,
        emulatorPeriod: 100_000,
        emulatorQuota: -1,
        iothreadPeriod: 100_000,
        iothreadQuota: -1,
        vcpuSched: [{ vcpus: '0', scheduler: 'fifo', priority: 1 }],
        iothreadSched: [{ iothreads: '1', scheduler: 'batch' }],
        emulatorSched: { scheduler: 'rr', priority: 2 },
      },
    },
    notHere: 'a session daemon has no control groups',
  },
  {
    part: {
      iothreads: 1,
      cputune: {
        vcpuPin: { 0: '0', 1: '0' },
        emulatorPin: '0',
        iothreadPin: { 1: '0' },
        vcpuSched: [{ vcpus: '0', scheduler: 'batch' }],
        iothreadSched: [{ iothreads: '1', scheduler: 'batch' }],
        emulatorSched: { scheduler: 'idle' },
      },
    },
  },
  {
    part: {
      cputune: {
        cachetune: [
          {
            vcpus: '0-1',
            caches: [{ id: 0, level: 3, type: 'both', size: 3 * 1024 ** 2 }],
            monitors: [{ level: 3, vcpus: '1' }],
          },
        ],
        memorytune: [{ vcpus: '2-3', nodes: { 0: 60 }, monitors: [{ vcpus: '2' }] }],
      },
    },
    with: four,
    notHere: 'it needs KVM',
  },
  { part: { resource: { partition: '/machine', fibrechannelAppid: 'app' } } },
  {
    part: {
      launchSecurity: {
        sev: { policy: 1, cbitpos: 47, reducedPhysBits: 1, dhCert: 'A', session: 'B', kernelHashes: true },
      },
    },
    notHere: 'it needs an AMD host',
  },
  {
    part: {
      launchSecurity: {
        sevSnp: {
          policy: 0x30000,
          cbitpos: 47,
          reducedPhysBits: 1,
          guestVisibleWorkarounds: 'A',
          idBlock: 'B',
          idAuth: 'C',
          hostData: 'D',
          kernelHashes: true,
          authorKey: true,
          vcek: false,
        },
      },
    },
    since: '10.5.0',
    notHere: 'it needs an AMD host',
  },
  {
    part: {
      launchSecurity: {
        tdx: { policy: 0x10000001, mrConfigId: 'A', mrOwner: 'B', mrOwnerConfig: 'C', quoteGenerationSocket: '/run/q' },
      },
    },
    since: '11.6.0',
    notHere: 'it needs an Intel host',
  },
  { part: { launchSecurity: 's390-pv' }, notHere: 'it is for S/390' },
  {
    part: {
      sysinfo: {
        bios: { vendor: 'V', version: '1, 2', date: '01/31/2026', release: '0.1' },
        system: { serial: 'S', family: 'F', manufacturer: 'M', product: 'P', version: '1', sku: 'K' },
        baseBoard: { manufacturer: 'M', product: 'P', version: '1', serial: 'S', asset: 'A', location: 'L' },
        chassis: { manufacturer: 'M', version: '1', serial: 'S', asset: 'A', sku: 'K' },
        oemStrings: ['one', 'two & <three>'],
        fwCfg: { 'opt/com.example/name': 'a text', 'opt/com.example/file': { file: '/etc/hostname' } },
      },
    },
  },
  { part: { sysinfo: { system: { serial: 'S' }, mode: 'emulate' } } },
  { part: { sysinfo: { fwCfg: { 'opt/x': 'y' } } } },
  { part: { seclabel: 'none' } },
  { part: { seclabel: { type: 'static', model: 'dac', relabel: false, label: '+0:+0' } } },
  {
    part: {
      seclabel: [
        { type: 'dynamic', model: 'dac', relabel: true },
        { type: 'dynamic', model: 'selinux', relabel: true, baselabel: 'system_u:system_r:svirt_t:s0' },
      ],
    },
    notHere: 'the host has no such security driver',
  },
  { part: { genid: 'c7b0b2a4-66e1-4f2c-8e6c-5ab4d2f3b001' } },
  { part: { genid: true } },
  { part: { pm: { suspendToMem: false, suspendToDisk: true } } },
  { part: { perf: { cmt: true, cpu_cycles: false } } },
  { part: { keywrap: { aes: true, dea: false } }, notHere: 'it is for S/390' },
  {
    part: {
      events: { onPoweroff: 'destroy', onReboot: 'restart', onCrash: 'coredump-destroy', onLockfailure: 'pause' },
    },
  },
  {
    part: {
      redirfilter: [
        { class: '0x08', vendor: '0x1234', product: '0xbeef', version: '2.56', allow: true },
        { allow: false },
      ],
    },
    with: { devices: [{ redirdev: { spicevmc: true } }] },
    notHere: 'QEMU here may lack SPICE',
  },
  {
    part: {
      qemu: {
        args: ['-set', 'device.ua-root.serial=a & <b>'],
        env: { QEMU_AUDIO_DRV: 'none', EMPTY: '' },
        override: { 'ua-root': { rotation_rate: 1, 'x-flag': true, text: 'word', below: -1 } },
        capabilities: { add: ['blockdev'], del: ['name'] },
        deprecation: 'reject',
      },
    },
  },
];
