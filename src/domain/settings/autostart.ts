import { BOOLEAN } from '../json-schema.js';
import { setOperation } from '../operation.js';
import { formatValue, specInvalid } from '../values.js';
import { inQuarantine } from './in-quarantine.js';
import type { Setting } from './setting.js';

/** Start with the host: virDomainSetAutostart. A link beside the document, not in it. */
export const autostart: Setting<boolean> = {
  name: 'autostart',
  schema: BOOLEAN,
  sideEffects: ['autostart'],
  paths: [],
  plan(value, context, path) {
    if (typeof value !== 'boolean') throw specInvalid(path, `${formatValue(value)} is not true or false`);
    if (value === context.autostart) return { operations: [], refusals: [] };
    const refusals = value ? inQuarantine('autostart', context, path) : [];
    if (refusals.length > 0) return { operations: [], refusals };
    const change = [{ path: 'autostart', from: String(context.autostart), to: String(value) }];
    const call = (on: boolean) => ({ procedure: 'DOMAIN_SET_AUTOSTART', args: { autostart: on ? 1 : 0 } }) as const;
    return {
      operations: [setOperation('autostart', 'config', change, call(value), call(!value), { takesEffect: 'now' })],
      refusals: [],
    };
  },
};
