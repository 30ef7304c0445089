import type { DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';
import { bridge } from '../domain-parts.js';

const card = (title: string, spec: DeviceSpecs['sound'], domain?: KindCase['domain']): KindCase => ({
  kind: 'sound',
  title,
  host: 'session',
  ...(domain ? { domain } : {}),
  device: () => ({ sound: { id: 'ours', ...spec } }),
});

export const cases: readonly KindCase[] = [
  card('ich9 with codecs', { model: 'ich9', codecs: [{ type: 'micro' }, { type: 'output' }] }, bridge),
  card('ich6', { model: 'ich6' }, bridge),
  card('ac97', { model: 'ac97' }, bridge),
  card('es1370', { model: 'es1370' }, bridge),
  card('sb16', { model: 'sb16' }),
  card('usb', { model: 'usb' }),
];
