import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Connection, DomainManager, type ManagedDomain } from '../../src/index.js';
import type { GuestReport } from '../../src/testing/index.js';
import { guestView, qemuDisagrees } from '../property/witnesses.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure, within } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { documentsOf, untouched } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const handle = ({ name, uuid }: ManagedDomain) => ({ name, uuid, id: -1 });
const plain = async (connection: Connection, domain: ManagedDomain) =>
  (await connection.call('DOMAIN_GET_XML_DESC', { dom: handle(domain), flags: 1 })).xml;
const image = async (b: Bench) => ({ file: await b.disk(), format: 'qcow2' }) as const;
/** A second address to listen on: libvirt takes the document, and refuses it early in a start. */
const twoListens = (xml: string) =>
  xml.replace(
    '</devices>',
    "<graphics type='vnc' autoport='yes'><listen type='address' address='127.0.0.1'/><listen type='address' address='127.0.0.1'/></graphics></devices>",
  );

/** Every device of `canonical` is at its place in `live`, which has one disk more. */
function stayed(canonical: string, live: string, extra = 1): void {
  const now = identityMap(live);
  const before = identityMap(canonical);
  for (const [name, place] of before) assert.equal(now.get(name), place, name);
  const disks = (map: ReadonlyMap<string, unknown>) => [...map.keys()].filter((name) => name.startsWith('disk '));
  assert.is(disks(now).length, disks(before).length + extra);
}

test('a guest is rescued and brought back: canonical byte-equal, every place the same for libvirt, QEMU and the guest', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'rescued' });
  const disks = [
    { file: await b.disk(), target: 'vda', serial: 'ROOT' },
    { file: await b.disk(), target: 'vdb', serial: 'DATA' },
  ];
  const domain = await b.manager.define(
    guest.domainXml({ disks, interfaces: [{ mac: '52:54:00:00:00:01', id: 'lan' }] }),
  );
  await domain.start();
  const before = await guest.waitForReport();
  const { canonical } = await documentsOf(domain);
  using wire = new Wire();
  const disk = { ...(await image(b)), serial: 'RESCUE' };
  const kernel = { path: guest.kernel, initrd: guest.initrd, cmdline: `${guest.cmdline} rescue=1` };
  await within(domain.rescue({ disk, kernel }), 60_000);
  const during = await guest.waitForReport({ after: before.bootId });
  assert.match((await guest.exec('cat /proc/cmdline')).output, 'rescue=1');
  assert.equal(during.disks.map(({ serial }) => serial).sort(), ['DATA', 'RESCUE', 'ROOT']);
  const live = (await domain.live()) ?? '';
  stayed(canonical, live);
  assert.equal(await qemuDisagrees(b.connection, domain, live), []);
  const seen = (report: GuestReport) => guestView(report);
  for (const [name, place] of seen(before)) assert.is(seen(during).get(name), place, name);
  assert.is(await domain.canonical(), canonical, 'during the rescue');
  await using other = await b.rival();
  const state = await (await new DomainManager(other).get(domain.name)).rescueState();
  assert.is(state?.disk, 'disk rescue');
  assert.is(state?.target, 'vdc');
  assert.ok(Math.abs(Date.now() - (state?.since.getTime() ?? 0)) < 120_000);

  await within(domain.unrescue(), 60_000);
  const after = await guest.waitForReport({ after: during.bootId });
  assert.not.match((await guest.exec('cat /proc/cmdline')).output, 'rescue=1');
  assert.equal([...seen(after)], [...seen(before)]);
  assert.is(await domain.canonical(), canonical, 'after it');
  assert.is(await domain.rescueState(), undefined);
  assert.equal((await domain.pending()).changes, []);
  assert.equal(wire.defining(), ['DOMAIN_CREATE_XML'], 'one transient start, and never a definition');
});

test('firmware boots the rescue disk first, though another has boot order 1, or <os> says hd', async () => {
  const b = await bench();
  for (const boot of ['per device', 'os'] as const) {
    const console = join(b.host.directory, `${boot.replace(' ', '-')}.console`);
    const root = await bootable(b, 'R');
    const serial = `<serial type='file'><source path='${console}'/><target type='isa-serial' port='0'/></serial>`;
    const disks = [{ id: 'root', target: 'vda', file: root, format: 'raw', boot: 1 }] as const;
    const domain = await b.define({ disks, interfaces: [], devices: [serial] });
    if (boot === 'os') {
      const xml = (await domain.canonical()).replace("<boot order='1'/>", '').replace('</os>', "<boot dev='hd'/></os>");
      await (await b.rival()).call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
    }
    const before = await domain.canonical();
    const says = async (letters: string) => {
      for (const deadline = Date.now() + 30_000; Date.now() < deadline; await new Promise((r) => setTimeout(r, 50)))
        if ((await readFile(console, 'latin1').catch(() => '')).endsWith(letters)) return;
      assert.unreachable(`the console of ${boot} does not say ${letters}`);
    };
    await domain.rescue({ disk: { file: await bootable(b, 'S'), format: 'raw' } });
    await says('SSSS');
    assert.is(await domain.canonical(), before, boot);
    if (boot === 'os') continue;
    await domain.unrescue();
    await says('RRRR');
  }
});

let images = 0;
/** A disk whose boot sector prints a letter four times on the serial line. */
async function bootable(b: Bench, letter: string): Promise<string> {
  const path = await b.host.createDisk(`boot${++images}.raw`, { size: '1 MiB' });
  const code = [0xb9, 4, 0, 0xba, 0xf8, 0x03, 0xb0, letter.charCodeAt(0), 0xee, 0xe2, 0xfd, 0xfa, 0xf4, 0xeb, 0xfc];
  const sector = Buffer.alloc(512);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  const file = await open(path, 'r+');
  await file.write(sector);
  await file.close();
  return path;
}

test('a missing image: the guest runs again as it did, or is left off, and nothing of it is in memory', async () => {
  const b = await bench();
  const domain = await b.started();
  const before = await domain.canonical();
  const disk = { file: '/nonexistent/rescue.qcow2', format: 'qcow2' } as const;
  const error = await failure(domain.rescue({ disk }), 'START_FAILED');
  assert.match(error.message, 'nonexistent');
  assert.match(error.message, 'runs again');
  assert.is(await domain.state(), 'running');
  assert.is(await domain.rescueState(), undefined);
  assert.is(await domain.canonical(), before);
  await failure(domain.rescue({ disk, onFailure: 'leave-off' }), 'START_FAILED');
  assert.is(await domain.state(), 'shutoff');
  assert.is(await plain(b.connection, domain), before);
});

test('refused, with the guest untouched: a document that would fail early, a target that is taken, a managed-save image', async () => {
  const b = await bench();
  const domain = await b.started();
  const bad = { ...(await image(b)), driver: { iothread: 7 } };
  const early = await untouched(domain, () => domain.rescue({ disk: bad }));
  assert.is(early.code, 'START_FAILED', early.message);
  assert.match(early.message, 'nothing was done');
  const taken = await untouched(domain, async () => domain.rescue({ disk: { ...(await image(b)), target: 'vda' } }));
  assert.is(taken.code, 'DEVICE_DUPLICATE');
  assert.is(await domain.state(), 'paused');
  await domain.save();
  const saved = await untouched(domain, async () => domain.rescue({ disk: await image(b) }));
  assert.is(saved.code, 'DOMAIN_STATE');
  assert.match(saved.message, 'managed-save');
});

test('what a failed transient start left in memory: no change until it is cleared, and unrescue clears it', async () => {
  const b = await bench();
  const domain = await b.define();
  const before = await domain.canonical();
  const rival = await b.rival();
  await failure(rival.call('DOMAIN_CREATE_XML', { xml_desc: twoListens(before), flags: 0 }), 'LIBVIRT');
  assert.is.not(await plain(rival, domain), before, 'it is there');
  const plan = await domain.plan({ attach: [{ disk: { id: 'new', target: 'vdb', ...(await image(b)) } }] });
  const error = await failure(domain.apply(plan), 'DOMAIN_STATE');
  assert.match(error.message, 'unrescue()');
  using wire = new Wire();
  await domain.unrescue({ after: 'stay-off' });
  assert.is(await plain(rival, domain), before);
  assert.equal(wire.mutators(domain.uuid), ['DOMAIN_CREATE_XML', 'DOMAIN_DESTROY_FLAGS']);
  await domain.apply(await domain.plan({ attach: [{ disk: { id: 'new', target: 'vdb', ...(await image(b)) } }] }));
  assert.match(await domain.canonical(), 'ua-new');
  assert.is(await plain(rival, domain), await domain.canonical());
});

test('a start that fails early, which no rehearsal shows: the rescue says so and clears what it left', async () => {
  const b = await bench();
  const defined = await b.define();
  // libvirt checks labels in a start alone, and early.
  const label = "<seclabel type='static' model='selinux' relabel='no'><label>none</label></seclabel></domain>";
  const xml = (await defined.canonical()).replace('</domain>', label);
  await (await b.rival()).call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  const domain = await b.manager.get(defined.name);
  const before = await domain.canonical();
  using wire = new Wire();
  const error = await failure(domain.rescue({ disk: await image(b) }), 'START_FAILED');
  assert.match(error.message, 'is off and as it was');
  assert.equal(wire.mutators(domain.uuid), ['DOMAIN_CREATE_XML', 'DOMAIN_CREATE_XML', 'DOMAIN_DESTROY_FLAGS']);
  assert.is(await plain(b.connection, domain), before, 'nothing of it is in memory');
  assert.is(await domain.canonical(), before);
});

test('the daemon is killed in mid-rescue, and the rescued guest after it: both times the domain is what its document says', async () => {
  const b = await bench();
  const domain = await b.started();
  const before = await domain.canonical();
  await domain.rescue({ disk: await image(b) });
  await b.host.killDaemon();
  await b.host.startDaemon();
  assert.is((await domain.rescueState())?.target, 'vdb', 'the rescue goes on');
  assert.is(await domain.canonical(), before);
  assert.is((await untouched(domain, async () => domain.rescue({ disk: await image(b) }))).code, 'DOMAIN_STATE');

  const pid = Number(await readFile(join(b.host.directory, 'run/libvirt/qemu/run', `${domain.name}.pid`), 'utf8'));
  process.kill(pid, 'SIGKILL');
  for (let tries = 0; tries < 100 && (await domain.state()) === 'running'; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(await plain(b.connection, domain), before, 'libvirt took the canonical document back');
  assert.is(await domain.rescueState(), undefined);
  await domain.unrescue();
  assert.is(await domain.state(), 'running');
  await domain.unrescue();
  assert.is(await domain.state(), 'running', 'again: nothing to do');
  stayed(before, (await domain.live()) ?? '', 0);
});

test('killed at each step of a rescue, another process finds the state and ends it', async () => {
  const b = await bench();
  const file = await b.disk();
  const domain = await b.started();
  const before = await domain.canonical();
  for (const [at, rescued] of [
    ['DOMAIN_DESTROY_FLAGS', false],
    ['DOMAIN_CREATE_XML', true],
  ] as const) {
    const program = fileURLToPath(new URL('./rescue-crash.js', import.meta.url));
    const child = spawn(process.execPath, [program, b.host.uri, domain.uuid, file, at], { stdio: 'inherit' });
    const [, signal] = await within(once(child, 'exit') as Promise<[number | null, string | null]>, 30_000);
    assert.is(signal, 'SIGKILL', at);
    assert.is((await domain.rescueState()) !== undefined, rescued, at);
    assert.is(await domain.canonical(), before, at);
    await domain.unrescue();
    assert.is(await domain.state(), 'running', at);
    assert.is(await domain.rescueState(), undefined, at);
    assert.is(await domain.canonical(), before, at);
    stayed(before, (await domain.live()) ?? '', 0);
  }
});

test.run();
