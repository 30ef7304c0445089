import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutBookkeeping } from '../../src/domain/index.js';
import { LOCAL_FILES } from '../../src/host/files.js';
import type { DomainBundle, ManagedDomain } from '../../src/index.js';
import { runBuilt } from '../examples/run.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { identityMap, machineOf } from '../support/identity-map.js';
import { untouched } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const OLD = { machine: 'pc-q35-6.2', cpu: 'Nehalem' } as const;

test('a newer machine and CPU: proposed, confirmed by token, one definition, nothing else changed, and back', async () => {
  const { define, disk } = await bench();
  const domain = await define({ ...OLD, name: 'old', hotplug: { pciePorts: 6 } });
  await domain.apply(await domain.plan({ attach: [{ disk: { id: 'data', target: 'vdb', file: await disk() } }] }));
  const before = await domain.canonical();
  using wire = new Wire();
  const proposal = await domain.proposeAbiUpgrade({ machine: 'newest', cpu: 'Westmere' });
  assert.equal(wire.mutators(), [], 'a proposal changes nothing');
  assert.equal(
    proposal.changes.map(({ subject, field, before, after }) => [
      subject,
      field,
      before,
      after?.replace(/[\d.]+$/, ''),
    ]),
    [
      ['domain', 'os/type/@machine', 'pc-q35-6.2', 'pc-q35-'],
      ['domain', 'cpu/model', 'Nehalem', 'Westmere'],
    ],
  );
  for (const part of ['~ domain os/type/@machine: pc-q35-6.2 → pc-q35-', `Confirm with ${proposal.token}`])
    assert.match(String(proposal), part);

  let kept: DomainBundle | undefined;
  const bundle = await domain.abiUpgrade(proposal, {
    confirm: proposal.token,
    keep: (each) => {
      kept = each;
      assert.equal(wire.defining(), [], 'kept before anything is changed');
    },
  });
  assert.is(kept, bundle);
  assert.equal(wire.defining(domain.uuid), ['DOMAIN_DEFINE_XML_FLAGS'], 'in place: nothing is undefined');
  assert.equal((await domain.drift()).changes, [], 'its own doing is no drift');
  const after = await domain.canonical();
  assert.equal(identityMap(after), identityMap(before), 'every device where it was');
  const undo = after.replace(/machine='[^']+'/, "machine='pc-q35-6.2'").replace('>Westmere<', '>Nehalem<');
  assert.is(withoutBookkeeping(undo), withoutBookkeeping(before), 'not a byte more than proposed');
  assert.ok((await domain.proposeAbiUpgrade({ machine: 'newest', cpu: 'Westmere' })).isEmpty);
  await domain.start({ paused: true });
  await domain.destroy();

  const back = await domain.proposeAbiUpgrade(OLD);
  await domain.abiUpgrade(back, { confirm: back.token });
  assert.is(await domain.canonical(), before);
  assert.equal(machineOf(await domain.canonical()), machineOf(before));
});

test('host-model left to the host is pinned by name; topology stays', async () => {
  const { define } = await bench();
  const domain = await define({ name: 'loose', cpu: { mode: 'host-model', pin: 'never' } });
  const [finding] = (await domain.hostCheck()).filter(({ subject }) => subject === 'cpu');
  assert.is(finding?.severity, 'warns');
  const proposal = await domain.proposeAbiUpgrade({ cpu: 'host-model' });
  await domain.abiUpgrade(proposal, { confirm: proposal.token });
  assert.match(await domain.canonical(), /<cpu mode='custom' match='exact'/);
  assert.equal(
    (await domain.hostCheck()).filter(({ subject }) => subject === 'cpu'),
    [],
  );
});

test('refused, with the domain as it was: no token, a stale one, running, saved, snapshots, what the host lacks', async () => {
  const { define, rival, disk, connection } = await bench();
  const domain = await define({ ...OLD, name: 'stays' });
  const newest = { machine: 'newest' };
  const proposal = await domain.proposeAbiUpgrade(newest);
  const refused = async (what: ManagedDomain, code: Parameters<typeof failure>[1], confirm = proposal.token) => {
    const error = await untouched(what, () => what.abiUpgrade(proposal, { confirm }));
    assert.is(error.code, code, error.message);
  };
  await refused(domain, 'PLAN_STALE', 'yes');
  await refused(await define({ ...OLD, name: 'another' }), 'PLAN_STALE');
  await domain.start({ paused: true });
  await refused(domain, 'DOMAIN_STATE');
  await domain.destroy();
  const other = await rival();
  const { dom } = await other.call('DOMAIN_LOOKUP_BY_NAME', { name: 'stays' });
  const snapshot = { dom, xml_desc: '<domainsnapshot><name>s</name></domainsnapshot>', flags: 0 };
  await other.call('DOMAIN_SNAPSHOT_CREATE_XML', snapshot);
  await refused(domain, 'DOMAIN_STATE');
  const { snap } = await other.call('DOMAIN_SNAPSHOT_LOOKUP_BY_NAME', { dom, name: 's', flags: 0 });
  await other.call('DOMAIN_SNAPSHOT_DELETE', { snap, flags: 0 });
  const rejects = () => Promise.reject(new Error('disk full'));
  try {
    await domain.abiUpgrade(proposal, { confirm: proposal.token, keep: rejects });
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, 'disk full');
  }
  assert.match(await domain.canonical(), 'pc-q35-6.2');
  await domain.apply(await domain.plan({ attach: [{ disk: { target: 'vdb', file: await disk() } }] }));
  await refused(domain, 'PLAN_STALE');

  for (const [request, code] of [
    [{ machine: 'pc-q35-99.0' }, 'UNSUPPORTED'],
    [{ machine: 'pc' }, 'UNSUPPORTED'],
    [{ machine: '' }, 'SPEC_INVALID'],
    [{ cpu: 'host-passthrough' }, 'SPEC_INVALID'],
    [{ cpu: '' }, 'SPEC_INVALID'],
  ] as const)
    await failure(domain.proposeAbiUpgrade(request), code);
  const unknown = await domain.proposeAbiUpgrade({ cpu: 'NoSuchModel' });
  // A newer QEMU is about to drop the machine that the domain has.
  const { capabilities } = await connection.call('CONNECT_GET_CAPABILITIES', {});
  const dated = /deprecated='yes'>pc-q35-6\.2</.test(capabilities);
  assert.equal(
    unknown.findings.map(({ severity, subject, problem }) => [severity, subject, problem.split(',')[0]]),
    [
      ['blocks', 'cpu', 'this host does not know the CPU model NoSuchModel'],
      ...(dated ? [['warns', 'machine', 'machine pc-q35-6.2 is deprecated here and gone from a later QEMU']] : []),
    ],
  );
  const error = await untouched(domain, () => domain.abiUpgrade(unknown, { confirm: unknown.token }));
  assert.is(error.code, 'PLAN_REFUSED');
});

test('hostCheck warns of a machine type that this QEMU is about to drop, and names the newest of its family', async () => {
  const { define, connection } = await bench();
  const { capabilities } = await connection.call('CONNECT_GET_CAPABILITIES', {});
  const machine = /deprecated='yes'>(pc-i440fx-[^<]+)</.exec(capabilities)?.[1];
  assert.ok(machine, 'QEMU always has one that is deprecated');
  const domain = await define({ name: 'dated', machine, cpu: 'qemu64', hotplug: {} });
  const findings = await domain.hostCheck();
  assert.equal(
    findings.map(({ severity, subject }) => [severity, subject]),
    [['warns', 'machine']],
  );
  assert.match(findings[0]?.problem ?? '', /deprecated here .*, the newest of its family here is pc-i440fx-/);
});

test('in the midst of an apply that was interrupted neither machine nor images change, and an export tells', async () => {
  const { define, disk, host } = await bench();
  const domain = await define({ ...OLD, name: 'midst' });
  await domain.start({ paused: true });
  const attach = await Promise.all(
    ['vdb', 'vdc'].map(async (target) => ({ disk: { target, file: await disk(), format: 'qcow2' } })),
  );
  const args = [host.uri, domain.uuid, JSON.stringify({ attach }), 'end', 'DOMAIN_ATTACH_DEVICE_FLAGS 1'];
  const { signal } = await runBuilt('test/apply/kill-child.js', { args, deadline: 60_000 });
  assert.is(signal, 'SIGKILL');
  const before = await domain.canonical();
  const file = `${host.directory}/images/never`;
  await failure(domain.moveDisk('root', file), 'APPLY_INTERRUPTED');
  await failure(domain.commitDisk('root'), 'APPLY_INTERRUPTED');
  await failure(domain.snapshot({ name: 's', disks: { root: { file } } }), 'APPLY_INTERRUPTED');
  await domain.destroy();
  const proposal = await domain.proposeAbiUpgrade({ machine: 'newest' });
  await failure(domain.abiUpgrade(proposal, { confirm: proposal.token }), 'APPLY_INTERRUPTED');
  assert.is(await domain.canonical(), before);
  assert.match((await domain.export()).notes.join(), 'an apply to it was under way or interrupted');
  await domain.recover({ mode: 'undo' });
  assert.equal((await domain.export()).notes, []);
  const again = await domain.proposeAbiUpgrade({ machine: 'newest' });
  await domain.abiUpgrade(again, { confirm: again.token });
});

test('hostCheck names what a host lacks of a CPU, feature by feature', async () => {
  const { define } = await bench();
  const domain = await define({
    name: 'greedy',
    cpu: 'Nehalem',
    disks: [{ target: 'vda', file: '/nowhere/x.raw', boot: 1 }],
  });
  const { manager } = await bench();
  const xml = (await domain.canonical()).replace(
    /<model fallback='forbid'>Nehalem<\/model>/,
    "$&<feature policy='require' name='avx512f'/><feature policy='require' name='aes'/>",
  );
  const findings = await manager.hostCheck(xml);
  assert.equal(
    findings.map(({ severity, subject, problem }) => [severity, subject, problem]),
    [
      ['blocks', 'cpu', "this host lacks CPU feature avx512f, which the domain's CPU has"],
      ['blocks', 'disk vda', 'the image, /nowhere/x.raw, is not there'],
    ],
  );
  assert.equal(
    (await domain.hostCheck()).map(({ subject }) => subject),
    ['disk vda'],
  );
  const passt = (await domain.canonical()).replace(/<interface type='user'>/, "$&<backend type='passt'/>");
  const look = async (path: string) => (path.includes('passt') ? ('missing' as const) : ('there' as const));
  assert.equal(
    (await manager.hostCheck(passt, { files: { ...LOCAL_FILES, look } })).map(({ severity, subject }) => [
      severity,
      subject,
    ]),
    [['warns', 'interface lan']],
  );
});

test.run();
