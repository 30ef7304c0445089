import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type ObservedDomain, SETTINGS, type SettingsRequest } from '../../../src/domain/index.js';
import { type MutatorCall, wireArguments } from '../../../src/domain/operation.js';
import { planChanges } from '../../../src/plan/index.js';
import { failureNow } from '../../support/deadline.js';
import { contextOf, fixture } from '../../support/fixtures.js';

const test = suite('settings, planned');
const NEW = { libvirt: '12.0.0', qemu: '10.1.0' };

const plan = (set: SettingsRequest, context: ObservedDomain = contextOf('off')) => planChanges({ set }, context);
const calls = (set: SettingsRequest, context?: ObservedDomain): MutatorCall[] =>
  plan(set, context).operations.map(({ call }) => call);
/** The context of a fixture with its documents edited. */
function edited(name: string, edit: (xml: string) => string, more: Partial<ObservedDomain> = {}): ObservedDomain {
  const context = contextOf(name, more);
  const again = ({ xml }: DomainDocument) => new DomainDocument(edit(xml));
  return { ...context, canonical: again(context.canonical), live: context.live && again(context.live) };
}
const before = (mark: string, text: string) => (xml: string) => xml.replace(mark, `${text}${mark}`);

test('a CPU set is sent as a bitmap, lowest CPU first, and stays plain data in the plan', () => {
  const pins: Array<[string, number[]]> = [
    ['0', [1]],
    ['0-3,8', [0x0f, 1]],
    ['0-3,^2', [0x0b]],
    ['64', [0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['7,6', [0xc0]],
  ];
  for (const [cpus, bytes] of pins) {
    const [call] = calls({ emulatorPin: cpus });
    assert.ok(call?.procedure === 'DOMAIN_PIN_EMULATOR');
    assert.equal(call.args.cpumap, bytes, cpus);
    assert.ok(Object.isFrozen(call.args.cpumap));
    assert.equal(wireArguments(call), { cpumap: Uint8Array.from(bytes), flags: 2 });
  }
  for (const bad of ['', 'x', '3-1', '0,^0', '99999', '1,,2', '^1-2'])
    assert.is(failureNow(() => plan({ emulatorPin: bad }), 'SPEC_INVALID').path, 'set.emulatorPin');
});

test('a pin is never removed: null is refused with the way out, the undo leaves it and says so', () => {
  const pinned = edited('off', before('</domain>', "<cputune><emulatorpin cpuset='0-3'/></cputune>"));
  assert.match(plan({ emulatorPin: null as never }, pinned).refusals[0]?.remedy ?? '', /all CPUs/);
  assert.equal(plan({ emulatorPin: null as never }).operations, []);
  const [first] = plan({ emulatorPin: '1' }).operations;
  assert.equal(first?.inverse, []);
  assert.match(first?.reason ?? '', /undoing leaves it/);
  const [second] = plan({ emulatorPin: '1' }, pinned).operations;
  const undo = second?.inverse[0]?.call;
  assert.ok(undo?.procedure === 'DOMAIN_PIN_EMULATOR');
  assert.equal(undo.args.cpumap, [0x0f]);
});

test('what is asked for in the same request can be pinned already', () => {
  const procedures = (set: SettingsRequest) => calls(set).map(({ procedure }) => procedure);
  assert.equal(procedures({ iothreadPin: { 1: '0' }, iothreads: { 1: {} } }), [
    'DOMAIN_ADD_IOTHREAD',
    'DOMAIN_PIN_IOTHREAD',
  ]);
  assert.is(failureNow(() => plan({ iothreadPin: { 1: '0' } }), 'SPEC_INVALID').path, 'set.iothreadPin.1');
  const more = Number(contextOf('off').canonical.value('vcpu')) + 1;
  assert.is(procedures({ vcpuPin: { [more - 1]: '0' }, vcpus: { maximum: more } }).at(-1), 'DOMAIN_PIN_VCPU_FLAGS');
  assert.is(failureNow(() => plan({ vcpuPin: { [more - 1]: '0' } }), 'SPEC_INVALID').path, `set.vcpuPin.${more - 1}`);
});

test('throttle groups need libvirt 11.2, are sent whole and deleted only when nobody uses them', () => {
  const context = contextOf('off', { versions: NEW });
  assert.equal(calls({ throttleGroups: { slow: { totalIopsSec: 5 } } }, context), [
    {
      procedure: 'DOMAIN_SET_THROTTLE_GROUP',
      args: {
        group: 'slow',
        params: [
          { field: 'total_iops_sec', value: { type: 'ullong', value: 5 } },
          { field: 'group_name', value: { type: 'string', value: 'slow' } },
        ],
        flags: 2,
      },
    },
  ]);
  const there =
    '<throttlegroups><throttlegroup><total_iops_sec>5</total_iops_sec><group_name>slow</group_name></throttlegroup></throttlegroups>';
  const having = edited('off', before('</domain>', there), { versions: NEW });
  assert.is(plan({ throttleGroups: { slow: { totalIopsSec: 5 } } }, having).isEmpty, true);
  const [change] = plan({ throttleGroups: { slow: { readBytesSec: '1 MiB' } } }, having).operations;
  assert.ok(change?.call.procedure === 'DOMAIN_SET_THROTTLE_GROUP');
  assert.equal(
    change.call.args.params.map(({ field, value }) => [field, value.value]),
    [
      ['read_bytes_sec', 1_048_576],
      ['total_iops_sec', 5],
      ['group_name', 'slow'],
    ],
  );
  const [remove] = plan({ throttleGroups: { slow: null } }, having).operations;
  assert.is(remove?.call.procedure, 'DOMAIN_DEL_THROTTLE_GROUP');
  assert.is(remove?.inverse[0]?.call.procedure, 'DOMAIN_SET_THROTTLE_GROUP');
  // Gone from the canonical document already, it still goes from the running guest.
  const onlyLive = { ...contextOf('web', { versions: NEW }), live: having.canonical };
  const [rest] = plan({ throttleGroups: { slow: null } }, onlyLive).operations;
  assert.equal([rest?.call.procedure, rest?.scope], ['DOMAIN_DEL_THROTTLE_GROUP', 'live']);
  const used = edited(
    'off',
    (xml) =>
      before(
        '</domain>',
        there,
      )(xml).replace(/<target dev='vda'[^>]*>/, "$&<throttlefilters><throttlefilter group='slow'/></throttlefilters>"),
    { versions: NEW },
  );
  assert.match(plan({ throttleGroups: { slow: null } }, used).refusals[0]?.reason ?? '', /disk .* uses the group/);
});

test('a disk joins a group by name, takes its limits, and leaves it in two calls', () => {
  const limits = '<iotune><total_iops_sec>300</total_iops_sec><group_name>slow</group_name></iotune>';
  const context = edited('web', (xml) => xml.replace(/<target dev='vdb'[^>]*>/, `$&${limits}`));
  const [join] = plan({ iotune: { vda: { groupName: 'slow' } } }, context).operations;
  assert.is(join?.scope, 'both');
  assert.match(join?.reason ?? '', /disk vdb/);
  assert.equal(
    join?.changes.map(({ path, to }) => [path.split('/').pop(), to]),
    [
      ['total_iops_sec', '300'],
      ['group_name', 'slow'],
    ],
  );
  assert.is(join?.inverse.length, 1, 'it had no limits before, so leaving is all');
  const error = failureNow(
    () => plan({ iotune: { vda: { groupName: 'slow', totalIopsSec: 1 } } }, context),
    'SPEC_INVALID',
  );
  assert.match(error.message, /has limits already/);
  const refused = plan({ iotune: { vdb: { groupName: null as never } } }, context).refusals[0];
  assert.match(refused?.remedy ?? '', /vdb: null/);
});

test('a value unset in one document and set in the other is sent to each by itself', () => {
  const context = contextOf('web');
  const lone = {
    ...context,
    live: new DomainDocument(
      fixture('web.live.xml').replace(
        /<target dev='vdb'[^>]*>/,
        '$&<iotune><total_iops_sec>9</total_iops_sec></iotune>',
      ),
    ),
  };
  const set = { iotune: { vdb: { totalIopsSec: 9 } } };
  assert.equal(
    plan(set, lone).operations.map(({ scope }) => scope),
    ['config'],
  );
  const [both] = plan({ iotune: { vdb: { totalIopsSec: 7 } } }, lone).operations;
  assert.is(both?.scope, 'both');
  assert.equal(
    both?.inverse.map(({ scope, changes }) => [scope, changes[0]?.to]),
    [
      ['live', '9'],
      ['config', undefined],
    ],
  );
});

test('nodes of a running domain move in restrictive mode only', () => {
  const running = (mode: string) =>
    edited('web', before('</domain>', `<numatune><memory mode='${mode}' nodeset='0'/></numatune>`));
  assert.equal(
    plan({ numatune: { nodeset: '0-1' } }, running('restrictive')).operations.map(({ scope }) => scope),
    ['both'],
  );
  const [later] = plan({ numatune: { nodeset: '0-1' } }, running('strict')).operations;
  assert.is(later?.scope, 'config');
  assert.match(later?.reason ?? '', /restrictive/);
  assert.is(later?.takesEffect, 'next-boot');
});

test('bandwidth is sent by direction, and a floor is for routed networks', () => {
  const bridged = edited('off', (xml) =>
    xml.replace("<interface type='user'>", "<interface type='bridge'><source bridge='br0'/>"),
  );
  const [call] = calls({ bandwidth: { lan: { outbound: { average: 10, burst: 5 } } } }, bridged);
  assert.ok(call?.procedure === 'DOMAIN_SET_INTERFACE_PARAMETERS');
  assert.equal(
    call.args.params.map(({ field, value }) => [field, value.value]),
    [
      ['outbound.average', 10],
      ['outbound.burst', 5],
    ],
  );
  assert.match(
    plan({ bandwidth: { lan: { inbound: { average: 10, floor: 5 } } } }, bridged).refusals[0]?.reason ?? '',
    /floor/,
  );
  assert.is(
    failureNow(() => plan({ bandwidth: { lan: { inbound: { peak: 5 } as never } } }, bridged), 'SPEC_INVALID').path,
    'set.bandwidth.lan.inbound.average',
  );
  assert.is(failureNow(() => plan({ bandwidth: { nic9: {} } }), 'DEVICE_NOT_FOUND').path, 'set.bandwidth.nic9');
});

test('an IOThread in use is not removed', () => {
  const context = edited('off', (xml) =>
    before(
      '</domain>',
      '<iothreads>1</iothreads>',
    )(xml).replace("<driver name='qemu'", "<driver name='qemu' iothread='1'"),
  );
  assert.match(plan({ iothreads: { 1: null } }, context).refusals[0]?.reason ?? '', /disk .* uses it/);
});

test('polling of IOThreads needs libvirt 9.4', () => {
  const error = failureNow(() => plan({ iothreads: { 1: { pollMaxNs: 5 } } }), 'UNSUPPORTED');
  assert.is(error.path, 'set.iothreads.1.pollMaxNs');
  assert.match(error.message, /9\.4\.0.*9\.0\.0/);
  const [add, tune] = calls({ iothreads: { 1: { pollMaxNs: 5 } } }, contextOf('off', { versions: NEW }));
  assert.is(add?.procedure, 'DOMAIN_ADD_IOTHREAD');
  assert.is(tune?.procedure, 'DOMAIN_SET_IOTHREAD_PARAMS');
});

test('start once, where libvirt has it', () => {
  const context = contextOf('off', { versions: NEW });
  const [operation] = plan({ autostartOnce: true }, context).operations;
  assert.equal(operation?.call, { procedure: 'DOMAIN_SET_AUTOSTART_ONCE', args: { autostart: 1 } });
  assert.equal(operation?.inverse[0]?.call.args, { autostart: 0 });
  assert.is(plan({ autostartOnce: true }, { ...context, autostartOnce: true }).isEmpty, true);
});

test('the action on reboot of a running guest needs QEMU 6.0', () => {
  const old = contextOf('web', { versions: { libvirt: '9.0.0', qemu: '5.2.0' } });
  assert.match(plan({ lifecycle: { onReboot: 'destroy' } }, old).refusals[0]?.reason ?? '', /QEMU 6\.0/);
  assert.equal(plan({ lifecycle: { onCrash: 'preserve' } }, old).refusals, []);
});

test('a hard limit stays below the swap limit, counting what is set already', () => {
  const context = edited(
    'off',
    before('</domain>', "<memtune><swap_hard_limit unit='KiB'>1024</swap_hard_limit></memtune>"),
  );
  assert.is(failureNow(() => plan({ memtune: { hardLimit: '2 MiB' } }, context), 'SPEC_INVALID').path, 'set.memtune');
  assert.is(plan({ memtune: { hardLimit: '1 MiB' } }, context).operations.length, 1);
});

test('bad input names its place', () => {
  const bad: Array<[SettingsRequest, string, string]> = [
    [{ cputune: { period: 10 } }, 'SPEC_INVALID', 'set.cputune.period'],
    [{ cputune: { nonsense: 1 } as never }, 'SPEC_UNKNOWN_FIELD', 'set.cputune.nonsense'],
    [{ cputune: 5 as never }, 'SPEC_INVALID', 'set.cputune'],
    [{ memtune: { hardLimit: '1000 B' } }, 'SPEC_INVALID', 'set.memtune.hardLimit'],
    [{ blkiotune: { devices: { sda: { weight: 10 } } } }, 'SPEC_INVALID', 'set.blkiotune.devices["sda"]'],
    [{ blkiotune: { weight: 0 } }, 'SPEC_INVALID', 'set.blkiotune.weight'],
    [{ numatune: { mode: 'odd' as never, nodeset: '0' } }, 'SPEC_INVALID', 'set.numatune.mode'],
    [{ iotune: { vdz: { totalIopsSec: 1 } } }, 'DEVICE_NOT_FOUND', 'set.iotune.vdz'],
    [{ iotune: { vda: { totalIopsSecMaxLength: 1500 } } }, 'SPEC_INVALID', 'set.iotune.vda.totalIopsSecMaxLength'],
    [{ iothreads: { 0: {} } }, 'SPEC_INVALID', 'set.iothreads.0'],
    [{ iothreads: { 1: { threadPoolMin: 9, threadPoolMax: 2 } } }, 'SPEC_INVALID', 'set.iothreads.1.threadPoolMax'],
    [{ vcpuState: { 1: 'on' as never } }, 'SPEC_INVALID', 'set.vcpuState.1'],
    [{ balloonStatsPeriod: -1 }, 'SPEC_INVALID', 'set.balloonStatsPeriod'],
    [{ perf: { cmt: 'yes' as never } }, 'SPEC_INVALID', 'set.perf.cmt'],
    [{ lifecycle: { onReboot: 'preserve' as never } }, 'SPEC_INVALID', 'set.lifecycle.onReboot'],
    [{ name: 'a/b' }, 'SPEC_INVALID', 'set.name'],
    [{ metadata: { 'urn:x': { prefix: '1', xml: '<a/>' } } }, 'SPEC_INVALID', 'set.metadata["urn:x"].prefix'],
  ];
  for (const [set, code, path] of bad)
    assert.is(failureNow(() => plan(set), code as 'SPEC_INVALID').path, path, JSON.stringify(set));
});

test('every setting says what it owns and touches', () => {
  for (const [name, setting] of Object.entries(SETTINGS)) {
    assert.is(setting.name, name);
    assert.ok(setting.sideEffects.length > 0, name);
    for (const path of setting.paths)
      assert.ok(
        setting.sideEffects.some((each) => path === each || path.startsWith(`${each}/`)),
        `${name} owns ${path} but does not touch it`,
      );
  }
});

test.run();
