import { randomUUID } from 'node:crypto';
import gte from 'semver/functions/gte.js';
import lt from 'semver/functions/lt.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DefineFinding, type DomainSpec, domainXml, PRESETS, readSpec } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { harmless } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const SPEC: DomainSpec = { name: 'planned', type: 'qemu', memory: '64 MiB', interfaces: [{ user: true }] };
const xmlOf = (parts = '', devices = '', os = '') =>
  `<domain type='qemu'><name>x${randomUUID().slice(0, 8)}</name><memory unit='MiB'>64</memory><vcpu>2</vcpu>${parts}<os><type machine='q35'>hvm</type>${os}</os><devices>${devices}</devices></domain>`;

test('planDefine: sends nothing that changes, and define sends what it showed', async () => {
  const { manager } = await bench();
  using wire = new Wire();
  const uuid = randomUUID();
  const spec: DomainSpec = { ...SPEC, uuid, interfaces: [{ user: true, mac: '52:54:00:00:00:09' }] };
  const plan = await manager.planDefine(spec);
  assert.equal(wire.mutators(), [], 'planning changes nothing');
  const domain = await manager.define(spec);
  const { operations, refusals } = await domain.planTowards(plan.xml);
  assert.equal(refusals, []);
  assert.equal(
    operations.filter(({ subject }) => subject !== 'intent'),
    [],
    'the domain is the document that was shown',
  );
  const capacity = (await domain.plan({})).capacity.pci;
  assert.equal(plan.capacity, { total: capacity.total, free: capacity.free });
  await domain.undefine();
});

test('planDefine: the room that it shows is the room that there is, for a spec and for XML', async () => {
  const { manager } = await bench();
  const definitions: Array<string | DomainSpec> = [
    { ...SPEC, name: 'room1', hotplug: { pciePorts: 3 } },
    { ...SPEC, name: 'room2', os: 'linux' },
    { ...SPEC, name: 'room3', devices: [{ channel: { unix: {}, name: 'a' } }] },
    xmlOf(),
    xmlOf('', "<interface type='user'><model type='virtio'/></interface><controller type='usb' model='qemu-xhci'/>"),
  ];
  for (const definition of definitions) {
    const plan = await manager.planDefine(definition);
    const domain = await manager.define(plan.xml);
    const { pci } = (await domain.plan({})).capacity;
    assert.ok(plan.capacity !== undefined && pci.free >= plan.capacity.free, `${pci.free} of ${plan.capacity?.free}`);
    assert.is(pci.free >= (typeof definition === 'string' ? 8 : (definition.hotplug?.pciePorts ?? 8)), true);
    await domain.undefine();
  }
});

test('define(xml): spare ports, a maximum of vCPUs, aliases and boot order per device, each shown with its reason', async () => {
  const { manager } = await bench();
  const nic = "<interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/></interface>";
  const disk = "<disk type='file'><driver name='qemu' type='raw'/><source file='/tmp/x'/><target dev='vda'/></disk>";
  const xml = xmlOf('', `${disk}${nic}`, "<boot dev='network'/><boot dev='hd'/>");
  const plan = await manager.planDefine(xml);
  const added = Object.fromEntries(plan.added.map(({ path, value }) => [path, value]));
  assert.is(added.vcpu, '8');
  assert.is(added['vcpu/@current'], '2');
  assert.is(added['disk vda: alias/@name'], 'ua-vda');
  assert.is(added['interface 52:54:00:00:00:07: alias/@name'], 'ua-52-54-00-00-00-07');
  assert.is(added['interface 52:54:00:00:00:07: boot/@order'], '1');
  assert.is(added['disk vda: boot/@order'], '2');
  assert.match(added['devices/controller'] ?? '', /pcie-root-port/);
  for (const { why } of plan.added) assert.ok(why.length > 10);
  const domain = await manager.define(xml);
  const { capacity } = await domain.plan({});
  assert.is(capacity.pci.free, plan.capacity?.free);
  await domain.undefine();
});

test('define(xml, options): hotplug, aliases and pinCpu are the caller’s choice', async () => {
  const { manager } = await bench();
  const cpu = "<cpu mode='host-model'/>";
  const nic = "<interface type='user'><model type='virtio'/></interface>";
  const plan = await manager.planDefine(xmlOf(cpu, nic), {
    hotplug: { pciePorts: 2, vcpus: 5, memory: { upTo: '1 GiB', slots: 4 } },
    aliases: false,
    pinCpu: false,
  });
  assert.is(plan.capacity?.free, 2);
  assert.match(plan.xml, /<vcpu current="2">5</);
  assert.match(plan.xml, /<maxMemory slots="4" unit="KiB">1048576</);
  assert.match(plan.xml, /<cell id="0" cpus="0-4" memory="65536" unit="KiB"\/>/);
  assert.not.match(plan.xml, /alias/);
  assert.match(plan.xml, /mode="host-model"/);
  const domain = await manager.define(plan.xml, { pinCpu: false });
  assert.is((await domain.planTowards(plan.xml)).refusals.length, 0);
  await domain.undefine();
  const pinned = await manager.planDefine(xmlOf(cpu));
  assert.match(pinned.xml, /<cpu mode="custom" match="exact" check="partial">/);
  assert.ok(pinned.added.some(({ path }) => path === 'cpu'));
  assert.is((await harmless(() => manager.define(SPEC, { aliases: true }))).path, 'options.aliases');
  const typo = await harmless(() => manager.define(SPEC, { pinCPU: true } as never));
  assert.is(typo.code, 'ARGUMENT_INVALID');
  assert.match(typo.message, /Did you mean pinCpu\?/);
});

test('define(xml): PCI controllers of the caller’s own, and addresses on other buses, are left as they are', async () => {
  const { manager } = await bench();
  const own = await manager.planDefine(xmlOf('', "<controller type='pci' model='pcie-root'/>"));
  assert.is(own.xml.match(/pcie-root-port/g), null);
  const refused = await harmless(() =>
    manager.define(xmlOf('', "<controller type='pci' model='pcie-root'/>"), { hotplug: { pciePorts: 4 } }),
  );
  assert.is(refused.path, 'options.hotplug.pciePorts'.slice('options.'.length));
  const address = "<address type='pci' domain='0' bus='3' slot='0' function='0'/>";
  const placed = await manager.planDefine(
    xmlOf('', `<interface type='user'><model type='virtio'/>${address}</interface>`),
  );
  assert.is(placed.xml.match(/pcie-root-port/g), null);
  const pc = await manager.planDefine(xmlOf().replace("machine='q35'", "machine='pc'"));
  assert.is(pc.capacity, undefined);
});

const BAD: ReadonlyArray<
  readonly [what: string, definition: string | Partial<DomainSpec>, severity: DefineFinding['severity'], path: RegExp]
> = [
  [
    'a qcow2 file without a format',
    xmlOf('', "<disk type='file'><source file='/a.qcow2'/><target dev='vda'/></disk>"),
    'refuses',
    /driver\/@type/,
  ],
  [
    'a relative path',
    xmlOf('', "<disk type='file'><driver type='raw'/><source file='a.img'/><target dev='vda'/></disk>"),
    'refuses',
    /source\/@file/,
  ],
  [
    'one image in two disks',
    { disks: ['vda', 'vdb'].map((target) => ({ target, file: '/x.raw', format: 'raw' as const })) },
    'refuses',
    /source/,
  ],
  ['metadata without a namespace', xmlOf('<metadata><mine/></metadata>'), 'refuses', /metadata/],
  ['two of one namespace', xmlOf("<metadata><a xmlns='urn:x'/><b xmlns='urn:x'/></metadata>"), 'refuses', /metadata/],
  ['bytes for memory', xmlOf().replace("<memory unit='MiB'>64<", '<memory>512<'), 'refuses', /memory/],
  ['smbios without sysinfo', xmlOf('', '', "<smbios mode='sysinfo'/>"), 'refuses', /smbios/],
  [
    'sysinfo without smbios',
    xmlOf("<sysinfo type='smbios'><system><entry name='serial'>S</entry></system></sysinfo>"),
    'warns',
    /sysinfo/,
  ],
  ['one timer twice', xmlOf("<clock offset='utc'><timer name='rtc'/><timer name='rtc'/></clock>"), 'refuses', /timer/],
  ['a zone that is none', { clock: { offset: { timezone: 'No/Where' } } }, 'warns', /timezone/],
  ['shared memory on disk', { memoryBacking: { access: 'shared' } }, 'warns', /memoryBacking/],
  ...['null', 'vds'].map((type): (typeof BAD)[number] => [
    `an interface of type ${type}, which QEMU has not`,
    xmlOf(
      '',
      `<interface type='${type}'><mac address='52:54:00:00:00:01'/>${type === 'vds' ? "<source switchid='c7a5fdbd-edaf-9455-926a-d65c16db1809' portid='4' portgroupid='a' connectionid='4'/>" : ''}</interface>`,
    ),
    'refuses',
    /^@type/,
  ]),
  ['a full check', { cpu: { model: 'EPYC', check: 'full' } }, 'refuses', /check/],
  ['a CPU model that nobody knows', { cpu: 'NoSuchCPU' }, 'refuses', /^cpu$/],
  [
    'a CPU feature that nobody knows',
    { cpu: { model: 'qemu64', features: { nosuch: 'require' } } },
    'refuses',
    /^cpu$/,
  ],
  ['host-passthrough without KVM', { cpu: 'host-passthrough' }, 'refuses', /^cpu$/],
  ['pvspinlock without KVM', { features: { pvspinlock: true } }, 'refuses', /pvspinlock/],
  ['locked memory in a session', { memoryBacking: { locked: true } }, 'refuses', /locked/],
  ['huge pages in a session', { memoryBacking: { hugepages: true } }, 'refuses', /hugepages/],
  ['a NUMA node that is not there', { numatune: { mode: 'strict', nodeset: '7' } }, 'refuses', /numatune/],
  ['a CPU of the host that is not there', { vcpuPlacement: { cpuset: '9999' } }, 'refuses', /cpuset/],
  ['a security driver that is not there', { seclabel: { model: 'selinux', type: 'dynamic' } }, 'refuses', /seclabel/],
  ['what goes past libvirt', { qemu: { args: ['-nodefaults'] } }, 'warns', /qemu/],
  ['TPM 1.2 by accident', { devices: ["<tpm><backend type='emulator'/></tpm>"] }, 'warns', /version/],
  ['firmware that is not there', { firmware: { efi: { stateless: true } } }, 'refuses', /firmware/],
];

for (const [what, definition, severity, path] of BAD) {
  test(`planDefine and define find the same: ${what}`, async () => {
    const { manager } = await bench();
    const whole = typeof definition === 'string' ? definition : { ...SPEC, name: 'bad', ...definition };
    const plan = await manager.planDefine(whole);
    const found = plan.findings.find((each) => path.test(each.path ?? each.subject));
    assert.is(found?.severity, severity, JSON.stringify(plan.findings));
    assert.ok(found && found.problem.length > 5 && found.remedy.length > 5);
    if (severity === 'refuses') {
      const error = await harmless(() => manager.define(whole));
      assert.is(error.code, 'SPEC_INVALID', error.message);
      return;
    }
    const told: DefineFinding[] = [];
    const domain = await manager.define(whole, { onFinding: (each) => told.push(each) });
    assert.ok(told.some((each) => each.problem === found?.problem));
    await domain.undefine({ nvram: true });
  });
}

test('negative control: a definition with nothing wrong has no finding that refuses or warns', async () => {
  const { manager } = await bench();
  const plan = await manager.planDefine({ ...SPEC, name: 'good', cpu: 'qemu64' });
  assert.equal(plan.findings, []);
});

test('DefinePlan: its text shows each addition, what is fixed, and no secret', async () => {
  const { manager } = await bench();
  const plan = await manager.planDefine({
    ...SPEC,
    name: 'secretive',
    os: 'windows-11',
    sysinfo: { oemStrings: ['very-secret-password'] },
  });
  const text = String(plan);
  for (const { path } of plan.added) assert.ok(text.includes(path), path);
  for (const part of ['Never changes again', 'clock/@offset: localtime', 'Can be changed later', 'Hot-plug PCI slots'])
    assert.ok(text.includes(part), part);
  assert.not.match(text, /very-secret-password/);
  assert.not.match(JSON.stringify(plan), /very-secret-password/);
  assert.match(plan.xml, /very-secret-password/);
  assert.ok(Object.isFrozen(plan));
});

test('presets: each row is shown, and overridden by its own field', async () => {
  const { manager } = await bench();
  for (const os of ['windows-11', 'windows-server', 'linux', 'generic'] as const) {
    const spec: DomainSpec = {
      ...SPEC,
      name: 'preset',
      os,
      memory: '128 MiB',
      disks: [{ target: 'sda', file: '/tmp/x.raw', format: 'raw' }],
      devices: [{ graphics: { type: 'vnc', autoport: true } }],
    };
    const plan = await manager.planDefine(spec);
    const rows = PRESETS.filter((row) => row.os.includes(os) && row.only !== 'kvm');
    const shown = plan.added.filter(({ by }) => by === 'preset');
    assert.is(shown.length, rows.length, `${os}: ${shown.map(({ path }) => path)}`);
    const domain = await manager.define(spec);
    assert.equal((await domain.planTowards(spec)).refusals, []);
    assert.is((await domain.planTowards(spec)).operations.length, 0, String(await domain.planTowards(spec)));
    await domain.undefine({ nvram: true });
  }
  const own = readSpec(
    domainXml({ ...SPEC, os: 'windows-11', firmware: 'bios', clock: { offset: 'utc' }, genid: true }),
  );
  assert.is(own.spec.firmware, 'bios');
  assert.is(own.spec.clock?.offset, 'utc');
  assert.equal(Object.keys((own.spec.clock?.timers as object | undefined) ?? {}), [
    'rtc',
    'pit',
    'hpet',
    'hypervclock',
  ]);
  const kvm = readSpec(domainXml({ ...SPEC, type: 'kvm', os: 'windows-server' }));
  assert.is(kvm.spec.features?.hyperv?.vpindex, true);
});

test('os: identifiers of osinfo-db, read as data, and refused with the nearest name where it has none', async () => {
  const { manager } = await bench();
  const preset = async (os: string) =>
    (await manager.planDefine({ ...SPEC, name: 'osinfo', os })).added.find(({ path }) => path === 'os')?.value;
  assert.is(await preset('win11'), 'windows-11');
  assert.is(await preset('http://microsoft.com/win/2k22'), 'windows-server');
  assert.is(await preset('debian11'), 'linux');
  assert.is(await preset('http://openbsd.org/openbsd/7.0'), 'generic');
  const error = await failure(manager.planDefine({ ...SPEC, name: 'osinfo', os: 'linus' }), 'SPEC_INVALID');
  assert.match(error.message, /Did you mean linux\?/);
});

test('firmware: found before define and written out, with variables that a rename does not share', async () => {
  const { host, manager } = await bench();
  const spec: DomainSpec = { ...SPEC, name: 'efi1', firmware: 'efi' };
  const first = await manager.define(spec);
  const xml = await first.canonical();
  // Newer releases write the format, which was not asked for, in both.
  assert.match(
    xml,
    /<loader readonly='yes' type='pflash'(?: format='raw')?>\/usr\/share\/OVMF\/OVMF_CODE_4M\.fd<\/loader>/,
  );
  assert.match(
    xml,
    new RegExp(`<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'[^>]*>.*/${first.uuid}_VARS.fd</nvram>`),
  );
  // libvirt 11.3 notes beside a path that it knows what kind it is; the path stays the one that was chosen.
  if (gte(host.libvirtVersion, '11.3.0')) {
    assert.match(xml, /firmware='efi'/);
    assert.match(xml, /<feature enabled='no' name='secure-boot'\/>/);
  } else if (lt(host.libvirtVersion, '9.1.0')) assert.not.match(xml, /firmware='efi'/);
  for (const desired of [spec, xml, readSpec(xml).spec]) {
    const steps = (await first.planTowards(desired)).operations.filter(({ subject }) => subject !== 'intent');
    assert.equal([steps, (await first.planTowards(desired)).refusals], [[], []]);
  }
  await first.apply(await first.plan({ set: { name: 'renamed' } }));
  const second = await manager.define(spec);
  const nvram = async (of: typeof first) => /<nvram[^>]*>(.*)<\/nvram>/.exec(await of.canonical())?.[1];
  assert.is.not(await nvram(first), await nvram(second));
  const taken = { loader: '/usr/share/OVMF/OVMF_CODE_4M.fd', nvram: { path: (await nvram(first)) as string } };
  const error = await harmless(() => manager.define({ ...SPEC, name: 'efi2', firmware: taken }));
  assert.match(error.message, /is the file of UEFI variables of domain renamed/);
  const secure = await manager.planDefine({ ...SPEC, name: 'efi3', firmware: { efi: { secureBoot: true } } });
  assert.match(secure.xml, /secure="yes">\/usr\/share\/OVMF\/OVMF_CODE_4M\.ms\.fd/);
  assert.match(secure.xml, /OVMF_VARS_4M\.ms\.fd/);
  assert.match(secure.xml, /<smm state="on"\/>/);
  const plain = await manager.planDefine({
    ...SPEC,
    name: 'efi4',
    firmware: { efi: { secureBoot: true, enrolledKeys: false } },
  });
  assert.match(plain.xml, /OVMF_CODE_4M\.secboot\.fd/);
  const blind = await manager.planDefine(spec, {
    files: { look: async () => 'unknown', read: fails, write: fails, remove: fails, list: fails } as never,
    nvramDirectory: '/var/nvram',
  });
  assert.match(blind.xml, /firmware="efi"/);
  assert.match(blind.xml, /<feature enabled="no" name="secure-boot"\/><feature enabled="no" name="enrolled-keys"\/>/);
  assert.match(blind.xml, /<nvram>\/var\/nvram\/[-0-9a-f]+_VARS\.fd<\/nvram>/);
  assert.ok(blind.findings.some(({ subject }) => subject === 'firmware'));
  for (const each of [first, second]) await each.undefine({ nvram: true });
});

const fails = () => Promise.reject(new Error('no way to it'));

test('domainXml: the text of a spec without a host, with the preset and the ports', () => {
  const xml = domainXml({ ...SPEC, os: 'linux' });
  assert.not.match(xml, /<uuid>/);
  assert.match(xml, /pcie-root-port/);
  assert.match(xml, /<clock offset="utc">/);
});

test.run();
