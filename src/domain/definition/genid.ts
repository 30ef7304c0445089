import type { Field } from '../devices/fields.js';
import { UUID } from '../json-schema.js';
import { uuidOf } from '../values.js';

/**
 * `<genid>`: a UUID by which a guest knows that it was cloned or restored, as Windows domain controllers need it. `true`
 * lets libvirt make one at define.
 */
export const genid: Field<true | string> = {
  paths: ['genid'],
  schema: { anyOf: [{ const: true, description: 'A random one' }, UUID] },
  encode: (value, where) => [['genid', value === true ? '' : uuidOf(value, where)]],
  decode(leaves) {
    const value = leaves.get('genid');
    return value === '' ? true : value;
  },
};
