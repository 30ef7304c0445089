/**
 * What the library says to the daemon is changed on the way: another address, another value, a second device, nothing at
 * all. libvirt reports success each time, so that only the comparison afterwards can tell. Each row is applied to a twin
 * without tampering first: it is the tampering that fails, not the plan.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProcedureArgs, ProcedureName } from '../../src/connection/procedures.js';
import {
  ApplyError,
  type ChangeRequest,
  connect,
  DomainManager,
  type DomainSpec,
  type ManagedDomain,
} from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { within } from '../support/deadline.js';
import { type Tampering, TamperingProxy } from '../support/tampering-proxy.js';

const bench = benchOnDemand();
let proxy: TamperingProxy | undefined;
let connection: Awaited<ReturnType<typeof connect>> | undefined;
test.after(async () => {
  await connection?.close();
  await proxy?.[Symbol.asyncDispose]();
  await bench.stop();
});

interface Row<P extends ProcedureName = ProcedureName> {
  readonly what: string;
  readonly request: ChangeRequest;
  readonly spec?: Partial<DomainSpec>;
  /** Started with its CPUs stopped. */
  readonly running?: true;
  readonly procedure: P;
  readonly tamper: (args: ProcedureArgs<P>) => Tampering<P>;
}

const row = <P extends ProcedureName>(each: Row<P>): Row => each as unknown as Row;
type DeviceProcedure = 'DOMAIN_ATTACH_DEVICE_FLAGS' | 'DOMAIN_DETACH_DEVICE_FLAGS' | 'DOMAIN_UPDATE_DEVICE_FLAGS';

/** A row about one device call whose XML is changed by a pattern. */
const inXml = (
  what: string,
  procedure: DeviceProcedure,
  from: RegExp,
  to: string,
  more: Pick<Row, 'request'> & Partial<Row>,
) =>
  row<DeviceProcedure>({
    what,
    procedure,
    tamper: (args) => {
      const xml = args.xml.replace(from, to);
      assert.is.not(xml, args.xml, `${what}: ${from} is not in ${args.xml}`);
      return { args: { ...args, xml } };
    },
    ...(more as { request: ChangeRequest }),
  });

const nothing = (procedure: ProcedureName, request: ChangeRequest, more: Partial<Row> = {}) =>
  row({
    what: `${procedure} that never reaches the daemon: ${JSON.stringify(request).slice(0, 60)}`,
    procedure,
    request,
    tamper: () => 'nothing',
    ...more,
  });

const FREE = "<address type='pci' domain='0' bus='8' slot='0' function='0'/>";
const RNG = `<rng model='virtio'><backend model='random'>/dev/urandom</backend>${FREE}</rng>`;
const attachRng = { attach: [{ rng: { id: 'own', random: '/dev/urandom' } }] } as const satisfies ChangeRequest;
const linkDown = { update: [{ interface: 'lan', set: { link: 'down' } }] } as const satisfies ChangeRequest;
const cache = { update: [{ disk: 'root', set: { driver: { cache: 'none' } } }] } as const satisfies ChangeRequest;

const ROWS: readonly Row[] = [
  inXml('an attach at another address', 'DOMAIN_ATTACH_DEVICE_FLAGS', /bus="0x0[0-9a-f]"/, 'bus="0x08"', {
    request: attachRng,
  }),
  inXml('an attach at another address, running', 'DOMAIN_ATTACH_DEVICE_FLAGS', /bus="0x0[0-9a-f]"/, 'bus="0x08"', {
    request: attachRng,
    running: true,
  }),
  inXml('an attach with another value', 'DOMAIN_ATTACH_DEVICE_FLAGS', /urandom/, 'random', { request: attachRng }),
  inXml('an attach with another value, running', 'DOMAIN_ATTACH_DEVICE_FLAGS', /urandom/, 'random', {
    request: attachRng,
    running: true,
  }),
  inXml('an attach with another alias', 'DOMAIN_ATTACH_DEVICE_FLAGS', /ua-own/, 'ua-another', { request: attachRng }),
  ...(['DOMAIN_ATTACH_DEVICE_FLAGS'] as const).flatMap((procedure) =>
    ([undefined, true] as const).map((running) =>
      row({
        what: `an attach with a second device of its kind${running ? ', running' : ''}`,
        request: attachRng,
        ...(running && { running }),
        procedure,
        tamper: (args) => ({ first: [procedure, { ...args, xml: RNG }] }),
      }),
    ),
  ),
  row({
    what: 'an attach with a controller of another sort',
    request: attachRng,
    procedure: 'DOMAIN_ATTACH_DEVICE_FLAGS',
    tamper: (args) => ({
      first: [
        'DOMAIN_ATTACH_DEVICE_FLAGS',
        { ...args, xml: `<controller type='scsi' model='virtio-scsi'>${FREE}</controller>` },
      ],
    }),
  }),
  ...([1, 2] as const).map((flags) =>
    row({
      what: `an attach for both documents that only one gets (${flags})`,
      request: attachRng,
      running: true,
      procedure: 'DOMAIN_ATTACH_DEVICE_FLAGS',
      tamper: (args) => ({ args: { ...args, flags } }),
    }),
  ),
  nothing('DOMAIN_ATTACH_DEVICE_FLAGS', attachRng),
  nothing('DOMAIN_ATTACH_DEVICE_FLAGS', attachRng, { running: true }),
  nothing('DOMAIN_DETACH_DEVICE_FLAGS', { detach: [{ interface: 'lan' }] }),
  row({
    what: 'a detach that takes another device along',
    request: { detach: [{ interface: 'lan' }] },
    spec: {
      interfaces: [
        { id: 'lan', user: true, mac: '52:54:00:00:00:01' },
        { id: 'wan', user: true, mac: '52:54:00:00:00:02' },
      ],
    },
    procedure: 'DOMAIN_DETACH_DEVICE_FLAGS',
    tamper: (args) => ({ first: ['DOMAIN_DETACH_DEVICE_ALIAS', { dom: args.dom, alias: 'ua-wan', flags: 2 }] }),
  }),
  inXml('an update with another value', 'DOMAIN_UPDATE_DEVICE_FLAGS', /cache="none"/, 'cache="writeback"', {
    request: cache,
  }),
  inXml(
    'an update of a further field that no guest sees',
    'DOMAIN_UPDATE_DEVICE_FLAGS',
    /cache="none"/,
    'cache="none" discard="unmap"',
    { request: cache },
  ),
  inXml('an update that drops a field', 'DOMAIN_UPDATE_DEVICE_FLAGS', / discard="unmap"/, '', {
    request: cache,
    spec: {
      disks: [
        {
          id: 'root',
          target: 'vda',
          file: '/nowhere/root.qcow2',
          format: 'qcow2',
          boot: 1,
          driver: { discard: 'unmap' },
        },
      ],
    },
  }),
  nothing('DOMAIN_UPDATE_DEVICE_FLAGS', cache),
  nothing('DOMAIN_UPDATE_DEVICE_FLAGS', linkDown, { running: true }),
  inXml('a live update that does nothing', 'DOMAIN_UPDATE_DEVICE_FLAGS', /<link state="down"\/>/, '', {
    request: { ...linkDown, scope: 'live' },
    running: true,
  }),
  ...([1, 2] as const).map((flags) =>
    row({
      what: `an update for both documents that only one gets (${flags})`,
      request: linkDown,
      running: true,
      procedure: 'DOMAIN_UPDATE_DEVICE_FLAGS',
      tamper: (args) => ({ args: { ...args, flags } }),
    }),
  ),
  row({
    what: 'an update with a second device',
    request: cache,
    procedure: 'DOMAIN_UPDATE_DEVICE_FLAGS',
    tamper: (args) => ({ first: ['DOMAIN_ATTACH_DEVICE_FLAGS', { ...args, xml: RNG }] }),
  }),
  row({
    what: 'an update with another of a device that it is not about, in a field that no guest sees',
    request: cache,
    procedure: 'DOMAIN_UPDATE_DEVICE_FLAGS',
    tamper: ({ dom, flags }) => ({
      first: [
        'DOMAIN_UPDATE_DEVICE_FLAGS',
        {
          dom,
          flags,
          xml: "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><link state='down'/></interface>",
        },
      ],
    }),
  }),
  ...([undefined, true] as const).map((running) =>
    row({
      what: `another title${running ? ', running' : ''}`,
      request: { set: { title: 'asked' } },
      ...(running && { running }),
      procedure: 'DOMAIN_SET_METADATA',
      tamper: (args) => (args.type === 1 ? { args: { ...args, metadata: 'another' } } : { args }),
    }),
  ),
  row({
    what: 'a title for both documents that the running guest does not get',
    request: { set: { title: 'asked' } },
    running: true,
    procedure: 'DOMAIN_SET_METADATA',
    tamper: (args) => (args.type === 1 ? { args: { ...args, flags: 2 } } : { args }),
  }),
  row({
    what: 'a description beside the title',
    request: { set: { title: 'asked' } },
    procedure: 'DOMAIN_SET_METADATA',
    tamper: (args) =>
      args.type === 1 ? { first: ['DOMAIN_SET_METADATA', { ...args, type: 0, metadata: 'another' }] } : { args },
  }),
  row({
    what: 'other contents of metadata',
    request: { set: { metadata: { 'urn:a': { prefix: 'a', xml: '<kept colour="red"/>' } } } },
    procedure: 'DOMAIN_SET_METADATA',
    tamper: (args) => ({ args: { ...args, metadata: args.metadata?.replace('red', 'blue') ?? null } }),
  }),
  row({
    what: "metadata of another's, beside that which is asked for",
    request: { set: { metadata: { 'urn:a': { prefix: 'a', xml: '<kept/>' } } } },
    procedure: 'DOMAIN_SET_METADATA',
    tamper: (args) =>
      args.uri === 'urn:a'
        ? { first: ['DOMAIN_SET_METADATA', { ...args, uri: 'urn:b', key: 'b', metadata: '<other/>' }] }
        : { args },
  }),
  row({
    what: 'fewer vCPUs',
    request: { set: { vcpus: 4 } },
    spec: { vcpus: { current: 1, maximum: 4 } },
    procedure: 'DOMAIN_SET_VCPUS_FLAGS',
    tamper: (args) => ({ args: { ...args, nvcpus: 2 } }),
  }),
  row({
    what: 'fewer vCPUs, running',
    request: { set: { vcpus: 4 } },
    spec: { vcpus: { current: 1, maximum: 4 } },
    running: true,
    procedure: 'DOMAIN_SET_VCPUS_FLAGS',
    tamper: (args) => ({ args: { ...args, nvcpus: 2 } }),
  }),
  row({
    what: 'less memory',
    request: { set: { memory: '48 MiB' } },
    procedure: 'DOMAIN_SET_MEMORY_FLAGS',
    tamper: (args) => ({ args: { ...args, memory: 40 * 1024 } }),
  }),
  row({
    what: 'another action',
    request: { set: { lifecycle: { onCrash: 'preserve' } } },
    procedure: 'DOMAIN_SET_LIFECYCLE_ACTION',
    tamper: (args) => ({ args: { ...args, action: 1 } }),
  }),
  row({
    what: 'another event',
    request: { set: { lifecycle: { onCrash: 'restart' } } },
    procedure: 'DOMAIN_SET_LIFECYCLE_ACTION',
    tamper: (args) => ({ args: { ...args, type: 0 } }),
  }),
  row({
    what: 'another IOThread',
    request: { set: { iothreads: { 1: {} } } },
    procedure: 'DOMAIN_ADD_IOTHREAD',
    tamper: (args) => ({ args: { ...args, iothread_id: 2 } }),
  }),
  row({
    what: 'a pin of another vCPU',
    request: { set: { vcpuPin: { 0: '0' } } },
    procedure: 'DOMAIN_PIN_VCPU_FLAGS',
    tamper: (args) => ({ args: { ...args, vcpu: 1 } }),
  }),
  row({
    what: 'a pin to another CPU',
    request: { set: { vcpuPin: { 0: '0' } } },
    procedure: 'DOMAIN_PIN_VCPU_FLAGS',
    tamper: (args) => ({ args: { ...args, cpumap: Uint8Array.of(2) } }),
  }),
  row({
    what: 'another limit of a disk',
    request: { set: { iotune: { vda: { totalIopsSec: 100 } } } },
    procedure: 'DOMAIN_SET_BLOCK_IO_TUNE',
    tamper: (args) => ({
      args: {
        ...args,
        params: args.params.map((each) => ({ ...each, value: { type: 'ullong', value: 50n } })),
      } as typeof args,
    }),
  }),
  row({
    what: 'the limit of another disk',
    request: { set: { iotune: { vda: { totalIopsSec: 100 } } } },
    spec: {
      disks: [
        { id: 'root', target: 'vda', file: '/nowhere/a.qcow2', format: 'qcow2', boot: 1 },
        { id: 'data', target: 'vdb', file: '/nowhere/b.qcow2', format: 'qcow2' },
      ],
    },
    procedure: 'DOMAIN_SET_BLOCK_IO_TUNE',
    tamper: (args) => ({ first: ['DOMAIN_SET_BLOCK_IO_TUNE', { ...args, disk: 'vdb' }] }),
  }),
  row({
    what: 'another name',
    request: { set: { name: 'asked' } },
    procedure: 'DOMAIN_RENAME',
    tamper: (args) => ({ args: { ...args, new_name: 'another' } }),
  }),
  nothing('DOMAIN_SET_METADATA', { set: { title: 'asked' } }),
  nothing('DOMAIN_SET_VCPUS_FLAGS', { set: { vcpus: 2 } }),
  nothing('DOMAIN_SET_MEMORY_FLAGS', { set: { memory: '48 MiB' } }),
  nothing('DOMAIN_SET_AUTOSTART', { set: { autostart: true } }),
  nothing('DOMAIN_SET_LIFECYCLE_ACTION', { set: { lifecycle: { onCrash: 'preserve' } } }),
  nothing('DOMAIN_ADD_IOTHREAD', { set: { iothreads: { 1: {} } } }),
  nothing('DOMAIN_PIN_VCPU_FLAGS', { set: { vcpuPin: { 0: '0' } } }),
  nothing('DOMAIN_PIN_EMULATOR', { set: { emulatorPin: '0' } }),
  nothing('DOMAIN_SET_BLOCK_IO_TUNE', { set: { iotune: { vda: { totalIopsSec: 100 } } } }),
];

/** The claim and the journal come before the first call of a plan: they are let pass. */
const isOwn = (args: unknown) =>
  /^urn:libvirt-canonical:(journal|seal|intent)/.test(String((args as { uri?: unknown }).uri));

for (const { what, request, spec = {}, running, procedure, tamper } of ROWS)
  test(`apply notices ${what}`, async () => {
    const b = await bench();
    proxy ??= await TamperingProxy.start(b.host.uri);
    connection ??= await connect(proxy.uri);
    const manager = new DomainManager(connection);
    const define = async (): Promise<ManagedDomain> => {
      const domain = running ? await b.started(spec) : await b.define(spec);
      return manager.get(domain.uuid);
    };
    const twin = await define();
    proxy.clear();
    await within(twin.apply(await twin.plan(request)));
    if (running) await twin.destroy();
    await twin.undefine();

    const domain = await define();
    const plan = await domain.plan(request);
    assert.equal(plan.refusals, []);
    let done = false;
    proxy.with(procedure, (args) => {
      if (done || isOwn(args)) return undefined;
      done = true;
      return tamper(args as never) as never;
    });
    const error = await within(domain.apply(plan, { onFailure: 'stop' })).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.is(proxy.tampered, 1, 'a call was tampered with');
    assert.instance(error, ApplyError, `${what} went unnoticed`);
    const { cause } = error as ApplyError;
    assert.ok(['APPLY_FAILED', 'GUEST_ABI_CHANGED'].includes((cause as { code?: string }).code ?? ''), String(cause));
    proxy.clear();
    if (running) await domain.destroy();
  });

test.run();
