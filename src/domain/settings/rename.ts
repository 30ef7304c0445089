import { assertXmlText } from '../../xml/index.js';
import { setOperation } from '../operation.js';
import { formatValue, specInvalid } from '../values.js';
import { refusal } from './params.js';
import type { Setting } from './setting.js';

/** `<name>`: virDomainRename, of a domain that is shut off. The UUID, by which this library addresses it, stays. */
export const name: Setting<string> = {
  name: 'name',
  schema: { type: 'string', pattern: '^[^/\\n]+$' },
  sideEffects: ['name'],
  paths: ['name'],
  plan(value, { canonical, live, managedSave }, path) {
    if (typeof value !== 'string' || value === '' || /[/\n]/.test(value))
      throw specInvalid(
        path,
        `${formatValue(value)} is not a name of a domain`,
        'Give a text without / and line breaks',
      );
    assertXmlText(value, path);
    if (value === canonical.name) return { operations: [], refusals: [] };
    if (live) {
      const reason = 'libvirt renames a domain only while it is shut off (qemuDomainRename)';
      return refusal({ subject: 'name', path, reason, remedy: 'Shut it off first' });
    }
    if (managedSave) {
      const reason = 'libvirt does not rename a domain with a managed-save image (qemuDomainRename)';
      return refusal({ subject: 'name', path, reason, remedy: 'Start it, or discard the image' });
    }
    const call = (to: string) => ({ procedure: 'DOMAIN_RENAME', args: { new_name: to, flags: 0 } }) as const;
    const change = [{ path: 'name', from: canonical.name, to: value }];
    const reason = 'files named after the old name (UEFI variables, log) keep their names';
    return {
      operations: [
        setOperation('name', 'config', change, call(value), call(canonical.name), { takesEffect: 'now', reason }),
      ],
      refusals: [],
    };
  },
};
