import { type Field, flag, group, integer, oneOf, present, size } from '../devices/fields.js';
import { BOOLEAN } from '../json-schema.js';
import { formatValue, type Size, specInvalid } from '../values.js';
import { state } from './forms.js';
import { type HypervSpec, hyperv } from './hyperv.js';

/** Features of the machine that a hypervisor gives its guest. libvirt: `<features>`. All of it is fixed at define. */
export interface FeaturesSpec {
  /** Default true. Without it there is no UEFI, no power button and no PCIe hot-plug. */
  readonly acpi?: boolean | undefined;
  /** Default true on x86. `{ eoi }`: end of interrupts by paravirtualisation. */
  readonly apic?: boolean | { readonly eoi: boolean } | undefined;
  readonly pae?: boolean | undefined;
  /** System management mode, which secure boot needs. `tseg`: its memory. */
  readonly smm?: boolean | { readonly tseg: Size } | undefined;
  readonly hyperv?: HypervSpec | undefined;
  readonly kvm?:
    | {
        /** Hide that it is KVM. */
        readonly hidden?: boolean | undefined;
        readonly hintDedicated?: boolean | undefined;
        readonly pollControl?: boolean | undefined;
        readonly pvIpi?: boolean | undefined;
        /** Entries of the dirty ring, a power of two from 1024 to 65536; `false` for none. libvirt 8.0.0 */
        readonly dirtyRing?: number | false | undefined;
      }
    | undefined;
  /** Needs KVM. */
  readonly pvspinlock?: boolean | undefined;
  readonly pmu?: boolean | undefined;
  readonly vmport?: boolean | undefined;
  readonly vmcoreinfo?: boolean | undefined;
  /** Who emulates the I/O APIC. `qemu` is needed for interrupt remapping. */
  readonly ioapic?: 'kvm' | 'qemu' | undefined;
  /** Of Arm. */
  readonly gic?: 2 | 3 | 'host' | true | undefined;
  /** Of emulation without KVM. libvirt 8.5.0 */
  readonly tcg?: { readonly tbCache: Size } | undefined;
  /** What becomes of accesses to unknown model specific registers. */
  readonly msrs?: 'ignore' | 'fault' | undefined;
  /** PS/2 mouse and keyboard. libvirt 10.6.0 */
  readonly ps2?: boolean | undefined;
  /** libvirt 9.6.0, of S/390. */
  readonly asyncTeardown?: boolean | undefined;
  /** Of Arm: reports of memory errors. libvirt 10.4.0 */
  readonly ras?: boolean | undefined;
  /** Of RISC-V: interrupt architecture. libvirt 11.1.0 */
  readonly aia?: 'none' | 'aplic' | 'aplic-imsic' | undefined;
  /** Of POWER. */
  readonly htm?: boolean | undefined;
  readonly nestedHv?: boolean | undefined;
  readonly ccfAssist?: boolean | undefined;
  readonly cfpc?: 'broken' | 'workaround' | 'fixed' | undefined;
  readonly sbbc?: 'broken' | 'workaround' | 'fixed' | undefined;
  readonly ibs?: 'broken' | 'workaround' | 'fixed-ibs' | 'fixed-ccd' | 'fixed-na' | undefined;
  readonly hpt?:
    | { readonly resizing?: 'enabled' | 'disabled' | 'required' | undefined; readonly maxPageSize?: Size | undefined }
    | undefined;
}

/** A feature that is there or is not; what a spec leaves out is said when the document is read. */
function there(path: string): Field<boolean> {
  return { ...present(path), decode: (leaves) => present(path).decode(leaves) ?? false };
}

function apic(): Field<NonNullable<FeaturesSpec['apic']>> {
  const eoi = flag('features/apic/@eoi', 'on', 'off');
  const more = group<{ eoi: boolean }>({ eoi });
  return {
    paths: ['features/apic', ...eoi.paths],
    schema: { anyOf: [BOOLEAN, more.schema] },
    encode(value, where) {
      if (typeof value === 'boolean') return there('features/apic').encode(value, where);
      return more.encode(value, where);
    },
    decode(leaves) {
      const said = eoi.decode(leaves);
      return said === undefined ? leaves.has('features/apic') : { eoi: said };
    },
  };
}

function smm(): Field<NonNullable<FeaturesSpec['smm']>> {
  const on = state('features/smm');
  const tseg = size('features/smm/tseg', { unitPath: 'features/smm/tseg/@unit', fallback: 'MiB' });
  const more = group<{ tseg: Size }>({ tseg });
  return {
    paths: [...on.paths, ...tseg.paths],
    schema: { anyOf: [BOOLEAN, more.schema] },
    encode(value, where) {
      if (typeof value === 'boolean') return on.encode(value, where);
      return [...on.encode(true, where), ...more.encode(value, where)];
    },
    decode(leaves) {
      const memory = tseg.decode(leaves);
      return memory === undefined ? on.decode(leaves) : { tseg: memory };
    },
  };
}

function dirtyRing(): Field<number | false> {
  const on = state('features/kvm/dirty-ring');
  const entries = integer('features/kvm/dirty-ring/@size', { min: 1024, max: 65_536 });
  return {
    paths: [...on.paths, ...entries.paths],
    schema: { enum: [false, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536], description: 'Entries' },
    encode(value, where) {
      if (value === false) return on.encode(false, where);
      if (typeof value === 'number' && Number.isInteger(Math.log2(value)))
        return [...on.encode(true, where), ...entries.encode(value, where)];
      throw specInvalid(where, `${formatValue(value)} is not a power of two from 1024 to 65536`);
    },
    decode: (leaves) => (on.decode(leaves) === false ? false : entries.decode(leaves)),
  };
}

function gic(): Field<NonNullable<FeaturesSpec['gic']>> {
  const path = 'features/gic/@version';
  return {
    paths: [path],
    schema: { enum: [2, 3, 'host', true], description: 'Version' },
    encode(value, where) {
      if (value === true) return [['features/gic', '']];
      if (value !== 2 && value !== 3 && value !== 'host')
        throw specInvalid(where, `${formatValue(value)} is not one of 2, 3, host, true`);
      return [[path, String(value)]];
    },
    decode(leaves) {
      const version = leaves.get(path);
      if (version === undefined) return leaves.has('features/gic') ? true : undefined;
      return version === '2' ? 2 : version === '3' ? 3 : version === 'host' ? 'host' : undefined;
    },
  };
}

const MITIGATION = ['broken', 'workaround', 'fixed'] as const;

/** `<features>`. */
export const features: Field<FeaturesSpec> = group<FeaturesSpec>({
  acpi: there('features/acpi'),
  apic: apic(),
  pae: present('features/pae'),
  smm: smm(),
  hyperv,
  kvm: group<NonNullable<FeaturesSpec['kvm']>>({
    hidden: state('features/kvm/hidden'),
    hintDedicated: state('features/kvm/hint-dedicated'),
    pollControl: state('features/kvm/poll-control'),
    pvIpi: state('features/kvm/pv-ipi'),
    dirtyRing: dirtyRing(),
  }),
  pvspinlock: state('features/pvspinlock'),
  pmu: state('features/pmu'),
  vmport: state('features/vmport'),
  vmcoreinfo: state('features/vmcoreinfo'),
  ioapic: oneOf('features/ioapic/@driver', ['kvm', 'qemu']),
  gic: gic(),
  tcg: group<{ tbCache: Size }>({
    tbCache: size('features/tcg/tb-cache', { unitPath: 'features/tcg/tb-cache/@unit', fallback: 'KiB' }),
  }),
  msrs: oneOf('features/msrs/@unknown', ['ignore', 'fault']),
  ps2: state('features/ps2'),
  asyncTeardown: flag('features/async-teardown/@enabled'),
  ras: state('features/ras'),
  aia: oneOf('features/aia/@value', ['none', 'aplic', 'aplic-imsic']),
  htm: state('features/htm'),
  nestedHv: state('features/nested-hv'),
  ccfAssist: state('features/ccf-assist'),
  cfpc: oneOf('features/cfpc/@value', MITIGATION),
  sbbc: oneOf('features/sbbc/@value', MITIGATION),
  ibs: oneOf('features/ibs/@value', ['broken', 'workaround', 'fixed-ibs', 'fixed-ccd', 'fixed-na']),
  hpt: group<NonNullable<FeaturesSpec['hpt']>>({
    resizing: oneOf('features/hpt/@resizing', ['enabled', 'disabled', 'required']),
    maxPageSize: size('features/hpt/maxpagesize', { unitPath: 'features/hpt/maxpagesize/@unit', fallback: 'KiB' }),
  }),
});
