import gt from 'semver/functions/gt.js';
import gte from 'semver/functions/gte.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSpec } from '../../src/domain/index.js';
import type { DomainSpec, Plan } from '../../src/index.js';
import { EXAMPLES } from '../domain/definition/examples.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';

const test = suite('every field of every part on a real daemon');
const bench = benchOnDemand();
test.after(() => bench.stop());

for (const { part, since, refused, notHere, with: more } of EXAMPLES) {
  test(`defined, read back, and nothing planned: ${JSON.stringify(part)}`, async () => {
    const { manager, host } = await bench();
    if (since !== undefined && gt(since, host.libvirtVersion)) return;
    if (notHere !== undefined) return;
    const spec = {
      name: 'part',
      type: 'qemu',
      memory: '128 MiB',
      vcpus: { current: 1, maximum: 2 },
      disks: [{ id: 'root', target: 'vda', file: '/tmp/x.raw', format: 'raw' }],
      ...more,
      ...part,
    } as unknown as DomainSpec;
    if (refused !== undefined && gte(host.libvirtVersion, refused.since)) {
      const error = await failure(manager.define(spec, { unstartable: 'allow' }), 'LIBVIRT');
      assert.match(error.message, refused.says);
      return;
    }
    const domain = await manager.define(spec, { unstartable: 'allow' });
    try {
      const plan = await domain.planTowards(spec);
      assert.is(plan.isEmpty, true, String(plan));
      // As a whole document, and read as a spec: all devices are asked for now, and nothing else is to be done.
      const xml = await domain.canonical();
      for (const desired of [xml, readSpec(xml).spec]) assert.equal(stepsOf(await domain.planTowards(desired)), []);
    } finally {
      await domain.undefine({ nvram: true });
    }
  });
}

/** What a plan does and refuses, but for the intent. */
function stepsOf({ operations, refusals }: Plan): string[] {
  return [
    ...operations.filter(({ subject }) => subject !== 'intent').map(({ action, subject }) => `${action} ${subject}`),
    ...refusals.map(({ path, reason }) => `refused ${path}: ${reason}`),
  ];
}

test.run();
