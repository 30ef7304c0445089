import { addressLeaves, addressText, parseAddress } from '../places/address.js';
import { formatValue, specInvalid } from '../values.js';
import { type Assignment, type Field, text, uuid, whole } from './fields.js';

/** Which of libvirt's secrets: by its UUID, or by the usage name it was defined with. */
export interface SecretRef {
  readonly uuid?: string | undefined;
  readonly usage?: string | undefined;
}

/** A reference to a secret at an element such as `source/auth/secret`. */
export function secretRef(path: string, alongside: readonly Assignment[] = []): Field<SecretRef> {
  return whole<SecretRef>(
    { uuid: uuid(`${path}/@uuid`), usage: text(`${path}/@usage`) },
    { alongside, exactlyOne: ['uuid', 'usage'] },
  );
}

/** A PCI device of the host, `'0000:06:00.0'`, at an element such as `source/address`. */
export function hostPci(path: string, alongside: readonly Assignment[] = []): Field<string> {
  const parts = ['domain', 'bus', 'slot', 'function'] as const;
  return {
    paths: [path],
    schema: { type: 'string', minLength: 1, description: "A PCI device of the host, '0000:06:00.0'" },
    encode(value, where) {
      const at = parseAddress(value, where);
      if (at.type !== 'pci')
        throw specInvalid(where, `${formatValue(value)} is not a PCI address`, "Give '0000:06:00.0'");
      const leaves = addressLeaves(at).filter(([leaf]) => leaf !== 'address/@type');
      return [...alongside, ...leaves.map(([leaf, part]): Assignment => [leaf.replace('address', path), part])];
    },
    decode(leaves) {
      if (alongside.some(([leaf, constant]) => leaves.get(leaf) !== constant)) return undefined;
      if (!leaves.has(`${path}/@bus`)) return undefined;
      const [domain = 0, bus = 0, slot = 0, fn = 0] = parts.map((part) => Number(leaves.get(`${path}/@${part}`) ?? 0));
      return addressText({ type: 'pci', domain, bus, slot, function: fn }).slice('pci '.length);
    },
  };
}
