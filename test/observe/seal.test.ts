import { deflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApplyError, ChangeRequest } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { virsh, virshWith } from '../testing/virsh.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const SEAL = /\n *<lvcd:seal [^>]*>([^<]*)<\/lvcd:seal>/;
const bad = { disk: { id: 'bad', target: 'vdb', file: '/nonexistent/image', format: 'raw' } } as const;

const sealOf = (xml: string) => SEAL.exec(xml)?.[0] ?? 'none';

test('what is done and undone leaves every byte of the document, seal and all, and so does a plan that fails', async () => {
  const b = await bench();
  const domain = await b.started({ storage: { root: { driver: 'file' } }, title: 'ours' });
  const before = await domain.canonical();
  const apply = async (request: ChangeRequest) => domain.apply(await domain.plan(request));
  await apply({ set: { title: 'other', memory: '48 MiB' } });
  assert.is.not(sealOf(await domain.canonical()), sealOf(before));
  await apply({ set: { title: 'ours', memory: '64 MiB' } });
  assert.is(await domain.canonical(), before);
  const plan = await domain.plan({
    attach: [bad],
    storage: { root: { driver: 'other' } },
  });
  assert.is((await failure<ApplyError>(domain.apply(plan), 'APPLY_FAILED')).rollback, 'undone');
  assert.is(await domain.canonical(), before);
  // Where a device sat is remembered; the seal does not tell.
  const data = { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } as const;
  await apply({ attach: [{ disk: data }], scope: 'config' });
  await apply({ detach: [{ disk: 'data' }], scope: 'config' });
  assert.is(sealOf(await domain.canonical()), sealOf(before));
});

test('a seal that somebody wrote over is unreadable, however hard it tries', async () => {
  const b = await bench();
  const domain = await b.define();
  const xml = await virsh(b.host, 'dumpxml', '--inactive', '--security-info', domain.uuid);
  const pack = (text: string | Buffer) => deflateSync(text).toString('base64');
  for (const content of [
    '',
    'no base64 at all ***',
    Buffer.from('not deflated').toString('base64'),
    pack(Buffer.alloc(64 << 20)),
    pack('<domain'),
    pack('<!DOCTYPE d [<!ENTITY a "a">]><domain>&a;</domain>'),
    pack('<other/>'),
    pack('<domain><devices/></domain>'),
  ]) {
    await virshWith(
      b.host,
      xml.replace(SEAL, (all, inner: string) => all.replace(`>${inner}<`, `>${content}<`)),
      'define',
    );
    const { seal, changes } = await domain.drift();
    assert.equal([seal, changes], ['unreadable', []], content.slice(0, 30));
    await failure(domain.planUndoDrift(), 'DOMAIN_STATE');
  }
  await domain.acceptDrift();
  assert.is((await domain.drift()).seal, 'intact');
});

test.run();
