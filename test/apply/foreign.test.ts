/**
 * Another client changes the domain between two calls of a plan. Nothing of theirs is lost silently: what a call was made from
 * is compared before it, updates are undone by the element as it is, and their work is not sealed as ours.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApplyError, ApplyOptions, ChangeRequest, ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** Runs virsh on a domain; a text that begins with `<` goes in by a file. */
function virsh(b: Bench, domain: ManagedDomain, command: string, ...args: readonly string[]): string {
  const words = args.map((each) => {
    if (!each.startsWith('<')) return each;
    const path = join(b.host.directory, 'theirs.xml');
    writeFileSync(path, each);
    return path;
  });
  return execFileSync('virsh', ['-q', '-c', b.host.uri, command, domain.uuid, ...words], { encoding: 'utf8' });
}

/** Does something of somebody else's once, right before call number `at`, and gives up before call number `until`. */
function meanwhile(theirs: () => void, at: number, until?: number): ApplyOptions {
  const given = new AbortController();
  let done = false;
  return {
    signal: given.signal,
    onProgress: (progress) => {
      if (progress.state !== 'started') return;
      if (progress.done === at && !done) {
        done = true;
        theirs();
      }
      if (progress.done === until) given.abort();
    },
  };
}

const diskOf = (xml: string) => /<disk [\s\S]*?<\/disk>/.exec(xml)?.[0] ?? '';
const twoSteps: ChangeRequest = {
  detach: [{ interface: 'lan' }],
  update: [{ disk: 'root', set: { driver: { cache: 'none' } } }],
};
const discard = (b: Bench, domain: ManagedDomain) => {
  const disk = diskOf(virsh(b, domain, 'dumpxml', '--inactive'));
  virsh(b, domain, 'update-device', disk.replace("type='qcow2'", "type='qcow2' discard='unmap'"), '--config');
};

test('apply: stops as stale when the device of its next call was changed in a field that no guest sees', async () => {
  for (const at of [0, 1]) {
    const b = await bench();
    const domain = await b.define();
    const plan = await domain.plan(at === 0 ? { update: twoSteps.update ?? [] } : twoSteps);
    const options = meanwhile(() => discard(b, domain), at);
    const error = await failure<ApplyError>(domain.apply(plan, options), 'APPLY_FAILED');
    assert.is((error.cause as { code?: string }).code, 'PLAN_STALE', `before call ${at}`);
    const disk = diskOf(await domain.canonical());
    assert.match(disk, "discard='unmap'");
    assert.not.match(disk, 'cache=');
    assert.match(await domain.canonical(), '52:54:00:00:00:01', 'the call before it was undone');
  }
});

test('apply: goes on when something else was changed, which stays and is drift', async () => {
  const b = await bench();
  const domain = await b.define();
  const path = await b.disk();
  const theirs = () => {
    virsh(
      b,
      domain,
      'attach-device',
      `<disk type='file'><source file='${path}'/><target dev='vdx'/></disk>`,
      '--config',
    );
    virsh(b, domain, 'desc', '--config', '--title', 'theirs');
  };
  await within(domain.apply(await domain.plan(twoSteps), meanwhile(theirs, 1)));
  assert.match(diskOf(await domain.canonical()), "cache='none'");
  assert.match(await domain.canonical(), "dev='vdx'");
  const drift = await domain.drift();
  assert.is(drift.seal, 'intact');
  const subjects = drift.changes.map(({ subject }) => subject).sort();
  assert.equal(subjects, ['disk vdx', 'domain'], 'what is ours is sealed, what is theirs is not');
});

test('rollback: an update is undone in the element as it is now', async () => {
  const b = await bench();
  const domain = await b.define();
  const plan = await domain.plan({ ...twoSteps, set: { title: 'x' } });
  const update = plan.operations.findIndex(({ action }) => action === 'update');
  const theirs = () => discard(b, domain);
  await failure<ApplyError>(domain.apply(plan, meanwhile(theirs, update + 1, update + 1)), 'APPLY_FAILED');
  const disk = diskOf(await domain.canonical());
  assert.match(disk, "discard='unmap'", 'theirs is there');
  assert.not.match(disk, 'cache=', 'ours is not');
});

test('rollback: a setting that another client has changed since is left, and said', async () => {
  const b = await bench();
  const domain = await b.define();
  const plan = await domain.plan({ set: { title: 'ours', description: 'ours' } });
  const theirs = () => void virsh(b, domain, 'desc', '--config', '--title', 'theirs');
  const error = await failure<ApplyError>(domain.apply(plan, meanwhile(theirs, 1, 1)), 'APPLY_FAILED');
  assert.is(error.rollback, 'partial');
  assert.ok(error.rollbackErrors.some((each) => (each as { code?: string }).code === 'PLAN_STALE'));
  assert.match(await domain.canonical(), '<title>theirs</title>');
});

for (const when of ['before', 'after'] as const)
  test(`rollback: takes out the controllers that an address leads to, and not one that another client added ${when} the attach`, async () => {
    const b = await bench();
    const domain = await b.define({ hotplug: { pciePorts: 0 } });
    const files = [await b.disk(), await b.disk()];
    const attach = files.map(
      (file, n) => ({ disk: { id: `d${n}`, target: `vd${'xy'[n]}`, file, format: 'qcow2' } }) as const,
    );
    const plan = await domain.plan({ attach, set: { title: 'x' } });
    const at = plan.operations.findIndex(({ action, address }) => action === 'attach' && address === undefined);
    assert.ok(at >= 0, 'libvirt adds a port for one of them');
    const ports = () => virsh(b, domain, 'dumpxml', '--inactive').match(/model='pcie-root-port'/g)?.length ?? 0;
    let theirPorts = 0;
    const theirs = () => {
      virsh(b, domain, 'attach-device', "<controller type='virtio-serial' index='5'/>", '--config');
      theirPorts = ports();
    };
    const last = plan.operations.findIndex(({ subject }) => subject === 'title');
    await failure<ApplyError>(
      domain.apply(plan, meanwhile(theirs, when === 'before' ? at : at + 1, last)),
      'APPLY_FAILED',
    );
    const after = await domain.canonical();
    assert.match(after, /<controller type='virtio-serial' index='5'/, 'theirs is there');
    assert.not.match(after, /dev='vd[xy]'/);
    // Theirs went into a port that came with ours, or needs those before its own.
    if (when === 'before')
      assert.is(ports(), theirPorts, 'the ports that libvirt added for ours are gone, theirs are not');
    else assert.ok(ports() <= theirPorts);
  });

test('apply: stops as stale when the domain was started between two calls', async () => {
  const b = await bench();
  const domain = await b.define();
  const plan = await domain.plan(twoSteps);
  const options = meanwhile(() => void virsh(b, domain, 'start', '--paused'), 1);
  const error = await failure<ApplyError>(domain.apply(plan, options), 'APPLY_FAILED');
  assert.is((error.cause as { code?: string }).code, 'PLAN_STALE');
  await domain.destroy();
});

test.run();
