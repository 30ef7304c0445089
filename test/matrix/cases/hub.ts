import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [{ kind: 'hub', title: 'usb', host: 'session', device: () => ({ hub: {} }) }];
