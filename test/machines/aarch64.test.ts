import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { provesVirt } from './virt.js';
import { proofsOf } from './walk.js';

const proofs = proofsOf({
  name: 'aarch64 virt',
  arch: 'aarch64',
  machine: 'virt',
  emulator: '/usr/bin/qemu-system-aarch64',
  package: 'qemu-system-arm',
});

provesVirt(proofs, {
  looks(canonical) {
    assert.match(canonical, /<gic version='2'\/>/);
    assert.match(canonical, /cortex-a57/);
  },
  noMemory: /without ACPI/,
});

test.run();
