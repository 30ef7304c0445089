import { test } from 'uvu';
import { provesVirt } from './virt.js';
import { proofsOf } from './walk.js';

const proofs = proofsOf({
  name: 'riscv64 virt',
  arch: 'riscv64',
  machine: 'virt',
  emulator: '/usr/bin/qemu-system-riscv64',
  package: 'qemu-system-misc',
});

provesVirt(proofs, { looks: () => undefined, noMemory: /no memory devices for riscv64/ });

test.run();
