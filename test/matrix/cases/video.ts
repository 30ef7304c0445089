import type { DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';

/** A second card beside the one of the definition. */
const card = (model: DeviceSpecs['video']['model']): KindCase => ({
  kind: 'video',
  title: model,
  host: 'session',
  domain: { devices: [{ video: { model: 'vga' } }] },
  device: () => ({ video: { model } }),
});

export const cases: readonly KindCase[] = [card('virtio'), card('qxl'), card('bochs')];
