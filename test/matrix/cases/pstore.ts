import type { KindCase } from '../case.js';

export const cases: readonly KindCase[] = [
  {
    kind: 'pstore',
    title: 'acpi-erst',
    host: 'session',
    device: (host) => ({ pstore: { backend: 'acpi-erst', path: `${host.directory}/pstore`, size: '64 KiB' } }),
  },
];
