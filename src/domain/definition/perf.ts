import { type Field, flag } from '../devices/fields.js';
import { EVENTS, type PerfRequest } from '../settings/perf.js';
import { record, wordKey } from './forms.js';

/** `<perf>`: events that libvirt counts. `set: { perf }` can change them later. */
export const perf: Field<PerfRequest> = record(
  'perf/event',
  '@name',
  flag('@enabled'),
  wordKey(EVENTS),
) as Field<PerfRequest>;
