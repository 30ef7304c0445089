import { type Field, group, text } from '../devices/fields.js';

/** Where the host accounts the guest. libvirt: `<resource>`. Fixed at define. */
export interface ResourceSpec {
  /** Control group, such as `/machine/production`. It must be there at the start. */
  readonly partition?: string | undefined;
  /** Name by which Fibre Channel fabrics know the guest's I/O. libvirt 7.7.0 */
  readonly fibrechannelAppid?: string | undefined;
}

/** `<resource>`. */
export const resource: Field<ResourceSpec> = group<ResourceSpec>({
  partition: text('resource/partition', { pattern: /^\//, expected: 'an absolute path of a control group' }),
  fibrechannelAppid: text('resource/fibrechannel/@appid'),
});
