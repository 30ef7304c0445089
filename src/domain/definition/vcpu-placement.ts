import { type Field, group, oneOf } from '../devices/fields.js';
import { numberSet } from './forms.js';

/** Where vCPUs without a pin run. libvirt: attributes of `<vcpu>`. Fixed at define. */
export interface VcpuPlacementSpec {
  /** CPUs of the host, such as `'0-7'`. */
  readonly cpuset?: string | undefined;
  /** `auto` asks numad of the host, which must run. */
  readonly placement?: 'static' | 'auto' | undefined;
}

/** `<vcpu placement=… cpuset=…>`. */
export const vcpuPlacement: Field<VcpuPlacementSpec> = group<VcpuPlacementSpec>({
  cpuset: numberSet('vcpu/@cpuset', 'a set of CPUs'),
  placement: oneOf('vcpu/@placement', ['static', 'auto']),
});
