import type { Setting } from '../operation.js';
import { invalid } from '../values.js';
import { asObject } from './params.js';
import { planPins } from './pin.js';

/** CPUs of the host for each vCPU: `{ 0: '0-3', 1: '4-7,^6' }`. */
export type VcpuPinRequest = Readonly<Record<number, string>>;

/** `<cputune><vcpupin>`: virDomainPinVcpuFlags. */
export const vcpuPin: Setting<VcpuPinRequest> = {
  name: 'vcpuPin',
  touches: ['cputune'],
  owns: ['cputune/vcpupin'],
  plan(value, context, path) {
    const asked = asObject(value, path);
    const { canonical, live } = context;
    const maximum = Number(canonical.value('vcpu') ?? 1);
    for (const vcpu of Object.keys(asked)) {
      if (!/^\d{1,4}$/.test(vcpu) || Number(vcpu) >= maximum)
        throw invalid(`${path}.${vcpu}`, `the domain has no vCPU ${vcpu}`, `Give one from 0 to ${maximum - 1}`);
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
        heldBack: (vcpu) =>
          Number(vcpu) < Number(live?.value('vcpu') ?? 1) ? undefined : 'the running guest does not have this vCPU',
      },
      context,
    );
  },
};
