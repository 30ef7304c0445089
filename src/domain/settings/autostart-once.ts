import { BOOLEAN } from '../json-schema.js';
import { setOperation } from '../operation.js';
import { formatValue, specInvalid } from '../values.js';
import { inQuarantine } from './in-quarantine.js';
import { needs } from './params.js';
import type { Setting } from './setting.js';

/** Start with the host once: virDomainSetAutostartOnce. A link beside the document, which the next start of the host removes. */
export const autostartOnce: Setting<boolean> = {
  name: 'autostartOnce',
  schema: BOOLEAN,
  sideEffects: ['autostartOnce'],
  paths: [],
  plan(value, context, path) {
    if (typeof value !== 'boolean') throw specInvalid(path, `${formatValue(value)} is not true or false`);
    needs(context, '11.2.0', path);
    const now = context.autostartOnce ?? false;
    if (value === now) return { operations: [], refusals: [] };
    const refusals = value ? inQuarantine('autostartOnce', context, path) : [];
    if (refusals.length > 0) return { operations: [], refusals };
    const change = [{ path: 'autostartOnce', from: String(now), to: String(value) }];
    const call = (on: boolean) =>
      ({ procedure: 'DOMAIN_SET_AUTOSTART_ONCE', args: { autostart: on ? 1 : 0 } }) as const;
    return {
      operations: [setOperation('autostartOnce', 'config', change, call(value), call(now), { takesEffect: 'now' })],
      refusals: [],
    };
  },
};
