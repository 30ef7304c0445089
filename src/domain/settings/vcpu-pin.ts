import { byName, CPUSET, NUMBER } from '../json-schema.js';
import { specInvalid } from '../values.js';
import { asObject } from './params.js';
import { pinAt, planPins, readPins } from './pin.js';
import type { Setting } from './setting.js';
import { vcpuAmounts } from './vcpus.js';

/** CPUs of the host for each vCPU: `{ 0: '0-3', 1: '4-7,^6' }`. */
export type VcpuPinRequest = Readonly<Record<number, string>>;

/** `<cputune><vcpupin>`: virDomainPinVcpuFlags. */
export const vcpuPin: Setting<VcpuPinRequest> = {
  name: 'vcpuPin',
  schema: byName(CPUSET, NUMBER),
  sideEffects: ['cputune/vcpupin'],
  paths: ['cputune/vcpupin'],
  read(document) {
    const { maximum } = vcpuAmounts(document);
    // libvirt drops the pin of a vCPU that the domain does not have (virDomainVcpuPinDefParseXML).
    const pins = Object.entries(readPins(document, 'vcpupin', 'vcpu') ?? {}).filter(([vcpu]) => Number(vcpu) < maximum);
    return pins.length === 0 ? undefined : Object.fromEntries(pins);
  },
  shown: pinAt,
  plan(value, context, path, beside) {
    const asked = asObject(value, path);
    const { canonical, live } = context;
    const { vcpus } = beside ?? {};
    const growing = typeof vcpus === 'object' ? vcpus.maximum : vcpus;
    const maximum = Math.max(Number(canonical.value('vcpu') ?? 1), growing ?? 1);
    for (const vcpu of Object.keys(asked)) {
      if (!/^\d{1,4}$/.test(vcpu) || Number(vcpu) >= maximum)
        throw specInvalid(`${path}.${vcpu}`, `the domain has no vCPU ${vcpu}`, `Give one from 0 to ${maximum - 1}`);
    }
    return planPins(
      {
        name: 'vcpuPin',
        path,
        asked,
        at: (vcpu) => `cputune/vcpupin[@vcpu='${vcpu}']/@cpuset`,
        call: (vcpu, cpumap, flags) => ({
          procedure: 'DOMAIN_PIN_VCPU_FLAGS',
          args: { vcpu: Number(vcpu), cpumap, flags },
        }),
        liveObstacle: (vcpu) =>
          Number(vcpu) < Number(live?.value('vcpu') ?? 1) ? undefined : 'the running guest does not have this vCPU',
      },
      context,
    );
  },
};
