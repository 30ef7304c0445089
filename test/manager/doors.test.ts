import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectIn } from '../../src/connection/connect.js';
import {
  AbiUpgradeProposal,
  type Connection,
  compareGuestAbi,
  connect,
  DomainManager,
  findRunning,
  type GuestAbi,
  LibvirtCanonicalError,
  ManagedDomain,
} from '../../src/index.js';
import { planChanges } from '../../src/plan/index.js';
import { GuestAgent } from '../../src/power/index.js';
import { failure, failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

/** A connection over which nothing may go: whatever is refused is refused before. */
const sent: string[] = [];
const silent = {
  libvirtVersion: '9.0.0',
  hypervisorVersion: '7.2.0',
  call: (procedure: string) => {
    sent.push(procedure);
    return Promise.reject(new Error(`${procedure} was sent`));
  },
  subscribe: () => Promise.reject(new Error('it subscribed')),
} as unknown as Connection;

const UUID = '00112233-4455-6677-8899-aabbccddeeff';
const manager = new DomainManager(silent);
const domain = new ManagedDomain(silent, { name: 'web', uuid: UUID, id: -1 }, {});
const plan = planChanges({ set: { title: 'x' } }, contextOf('web'));
const abi: GuestAbi = { machine: 'q35', domain: {}, devices: [] };
const proposal = new AbiUpgradeProposal({
  domain: { name: 'web', uuid: UUID },
  request: {},
  changes: [],
  findings: [],
  token: 't',
});

type Sample = {
  readonly before: readonly unknown[];
  readonly options?: object;
  readonly words?: Readonly<Record<string, unknown>>;
};
const plain: Sample = { before: [] };

/** Good arguments before the options, the options that must be given, and for each option that takes words one that is none. */
const DOMAIN: Readonly<Record<string, Sample>> = {
  state: plain,
  stateReason: plain,
  canonical: plain,
  live: plain,
  devices: plain,
  storage: { before: [], words: { document: 'lives' } },
  guestAbi: { before: [], words: { document: 'canonicl' } },
  addresses: { before: [], words: { sources: 'agent' } },
  stats: { before: [], words: { groups: ['disk'], nowait: 1 } },
  topology: plain,
  waitForAddress: { before: [], words: { family: 'ipv5', sources: 'agent' } },
  console: { before: [], words: { force: 'yes', device: 0 } },
  openChannel: { before: ['org.example.0'] },
  screenshot: { before: [], words: { screen: -1 } },
  verify: { before: [abi] },
  pending: plain,
  log: plain,
  plan: { before: [{}] },
  planTowards: { before: ['<domain/>'], words: { replace: 'alow', ifNotLive: 'nextboot', detachOrder: 'live' } },
  apply: { before: [plan], words: { onFailure: 'ignore', unplug: { late: 'never' }, wait: '5 s', onProgress: true } },
  planResize: { before: [{}] },
  resize: { before: [{ vcpus: 2 }], words: { onFailure: 'ignore', settle: Number.NaN } },
  recover: { before: [], options: { mode: 'keep' }, words: { mode: 'redo', owner: 'dead', unplug: { attempts: 0 } } },
  drift: plain,
  acceptDrift: plain,
  planUndoDrift: { before: [], words: { ifNotLive: 'later', only: 'disk root' } },
  events: { before: [], words: { only: 'lifecycle', queue: 0 } },
  watch: { before: [], words: { interval: 0, queue: 'long' } },
  start: { before: [], words: { paused: 'yes', managedSave: 'ignore', verify: true } },
  shutdown: { before: [], words: { by: 'apci', timeout: -1, askAgain: 0, onTimeout: 'kill', onProgress: 'log' } },
  destroy: plain,
  suspend: plain,
  resume: plain,
  save: { before: [], words: { restoreAs: 'stopped' } },
  restore: { before: [], words: { verify: 'abi' } },
  reboot: {
    before: [],
    options: { mode: 'hard' },
    words: { mode: 'warm', verify: 'all', managedSave: 'restore', by: 'ssh' },
  },
  undefine: { before: [], words: { nvram: 'keep', managedSave: 1, snapshotsMetadata: 'yes' } },
  snapshot: { before: [], options: { name: 's', disks: {} }, words: { quiesce: 'always', disks: ['root'], name: 1 } },
  commitDisk: { before: ['root'], words: { leftover: 'remove', bandwidth: true, into: 5 } },
  copyDisk: { before: ['root', '/copy'], words: { format: 'vmdk', quiesce: true } },
  moveDisk: { before: ['root', '/copy'], words: { format: 'qcow', quiesce: 'agent' } },
  resizeDisk: { before: ['root'], options: { capacity: '2 GiB' }, words: { capacity: {} } },
  backup: { before: [], options: { disks: {} }, words: { quiesce: 'yes', since: 3, checkpoint: {} } },
  checkpoints: plain,
  deleteCheckpoint: { before: ['c1'] },
  blockJobs: plain,
  adoptBlockJob: { before: ['root'], options: { finish: 'keep' }, words: { finish: 'cancel', quiesce: 'maybe' } },
  adoptBackup: { before: [], words: { checkpoint: 7 } },
  abortBlockJob: { before: ['root'] },
  rescue: {
    before: [],
    options: { disk: { file: '/r' } },
    words: { stop: 'kill', onFailure: 'stop', kernel: '/k', disk: '/r' },
  },
  unrescue: { before: [], words: { stop: 'hard', after: 'off' } },
  rescueState: plain,
  planMigration: {
    before: [silent],
    words: { mode: 'hot', via: 'peer', disks: 'root', prove: true, undefineSource: 'no' },
  },
  migrate: {
    before: [silent],
    words: { mode: 'hot', copy: 'some', targets: 'make', abortTimeout: 'soon', hooks: true },
  },
  hostCheck: { before: [], words: { files: '/' } },
  export: { before: [], words: { secrets: 'omit', managedSave: 'with', tpmFolder: 3 } },
  proposeAbiUpgrade: { before: [{}], words: { files: {} } },
  abiUpgrade: { before: [proposal], options: { confirm: 't' }, words: { keep: '/bundle', confirm: true } },
};
const MANAGER: Readonly<Record<string, Sample>> = {
  define: { before: ['<domain/>'] },
  planDefine: { before: ['<domain/>'] },
  createImage: { before: [{ name: 'a', size: 1 }] },
  createSeed: { before: [], options: { path: '/seed', seed: {} }, words: { files: true } },
  host: plain,
  networks: plain,
  pools: plain,
  volumes: { before: ['default'] },
  resizeVolume: { before: [{ pool: 'p', volume: 'v' }, 1], words: { shrink: 'yes' } },
  deleteVolume: { before: [{ pool: 'p', volume: 'v' }] },
  stats: { before: [], words: { groups: 'disks', nowait: 'yes' } },
  uploadVolume: { before: [{ pool: 'p', volume: 'v' }, '/f'], words: { sparse: 1 } },
  downloadVolume: { before: [{ pool: 'p', volume: 'v' }, '/f'], words: { sparse: 1 } },
  get: { before: ['web'] },
  list: plain,
  all: plain,
  events: { before: [], words: { only: 'lifecycle' } },
  watch: { before: [], words: { interval: -5 } },
  hostCheck: { before: ['<domain/>'], words: { files: true } },
  doctor: { before: [], words: { files: true, hosts: 'x', daemonConfig: 1, logs: 'x' } },
  import: {
    before: ['{}'],
    words: {
      leftOutSecrets: 'ignore',
      autostart: true,
      unknownHosts: 'allow',
      hosts: 'qemu:///system',
      paths: '/images',
    },
  },
};
const AGENT: Readonly<Record<string, Sample>> = {
  state: plain,
  ping: plain,
  freeze: { before: [], words: { mountpoints: '/' } },
  thaw: plain,
  frozen: plain,
};

const SUBJECTS: ReadonlyArray<readonly [string, object, Readonly<Record<string, Sample>>]> = [
  ['DomainManager', manager, MANAGER],
  ['ManagedDomain', domain, DOMAIN],
  ['GuestAgent', new GuestAgent({} as never), AGENT],
];

/** The refusal of a call, thrown or rejected, and that nothing was sent for it. */
async function refused(what: string, call: () => unknown): Promise<LibvirtCanonicalError> {
  sent.length = 0;
  let error: unknown;
  try {
    const result = call();
    await (typeof (result as { next?: unknown })?.next === 'function' ? (result as AsyncGenerator).next() : result);
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, LibvirtCanonicalError, `${what}: ${error}`);
  const { code } = error as LibvirtCanonicalError;
  assert.ok(['ARGUMENT_INVALID', 'SPEC_INVALID', 'SPEC_UNKNOWN_FIELD'].includes(code), `${what}: ${code}`);
  assert.equal(sent, [], what);
  return error as LibvirtCanonicalError;
}

for (const [name, subject, samples] of SUBJECTS) {
  const methods = subject as Record<string, (...args: unknown[]) => unknown>;
  const all = Object.getOwnPropertyNames(Object.getPrototypeOf(subject)).filter((each) => {
    const { value } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(subject), each) ?? {};
    return typeof value === 'function' && each !== 'constructor' && each !== 'toString';
  });

  test(`${name}: every public method is tried here`, () => {
    assert.equal([...all].sort(), Object.keys(samples).sort());
  });

  test(`${name}: every method refuses an option that is none, with the nearest name, and sends nothing`, async () => {
    for (const method of all) {
      const { before, options = {} } = samples[method] as Sample;
      const error = await refused(method, () => methods[method]?.(...before, { ...options, signa: undefined }));
      assert.match(error.message, /signa".* Did you mean signal\?/, method);
      assert.is(error.path, 'signa', method);
    }
  });

  test(`${name}: every method refuses a signal that is none, and options that are no object`, async () => {
    for (const method of all) {
      const { before, options = {} } = samples[method] as Sample;
      for (const signal of [new AbortController(), true, 'now'])
        assert.match(
          (await refused(method, () => methods[method]?.(...before, { ...options, signal }))).message,
          'AbortSignal',
        );
      for (const wrong of ['fast', 5, null, [], new AbortController().signal, Promise.resolve({})])
        await refused(`${method}(${wrong})`, () => methods[method]?.(...before, wrong));
    }
  });

  test(`${name}: every word and value of an option is checked`, async () => {
    for (const method of all) {
      const { before, options = {}, words = {} } = samples[method] as Sample;
      for (const [option, value] of Object.entries(words)) {
        const error = await refused(`${method} ${option}`, () =>
          methods[method]?.(...before, { ...options, [option]: value }),
        );
        assert.match(error.message, option, method);
        assert.ok(error.path?.startsWith(option), `${method} ${option}: ${error.path}`);
      }
      for (const option of Object.keys(options))
        assert.match(
          (await refused(method, () => methods[method]?.(...before, { ...options, [option]: undefined }))).message,
          'is missing',
        );
    }
  });
}

test('reboot: a mode that it does not know never pulls the plug, and the nearest is named', async () => {
  for (const options of [{ mode: 'warm' }, {}, 'cold', undefined, { mode: ['cold'] }, { mode: null }])
    await refused(JSON.stringify(options) ?? 'nothing', () => domain.reboot(options as never));
  assert.match((await refused('colt', () => domain.reboot({ mode: 'colt' } as never))).message, "Did you mean 'cold'?");
});

test('apply: what is no plan is told what to do', async () => {
  const cases: ReadonlyArray<readonly [unknown, string]> = [
    [Promise.resolve(plan), 'Await it first'],
    [{ set: { title: 'x' } }, 'Plan the request first'],
    [JSON.parse(JSON.stringify(plan)), 'Plan.fromJSON'],
    [JSON.stringify(plan), 'Plan.fromJSON'],
    [undefined, 'domain.plan(request)'],
    [null, 'domain.plan(request)'],
  ];
  for (const [value, remedy] of cases) {
    const error = await failure(domain.apply(value as never), 'ARGUMENT_INVALID');
    assert.ok(error.remedy?.includes(remedy), `${error.remedy} for ${remedy}`);
    assert.is(error.path, 'plan');
  }
});

test('plan, planTowards, define, import: a promise or nothing is no request, and never an empty one', async () => {
  const later = Promise.resolve({ set: { title: 'x' } });
  for (const call of [
    () => domain.plan(later as never),
    () => domain.plan(undefined as never),
    () => domain.plan('<disk/>' as never),
    () => domain.planTowards(later as never),
    () => domain.planTowards(undefined as never),
    () => domain.planResize(later as never),
    () => domain.snapshot(later as never),
    () => domain.verify(later as never),
    () => domain.abiUpgrade(later as never, { confirm: 'x' }),
    () => manager.define(later as never),
    () => manager.define(5 as never),
    () => manager.import(later as never),
    () => manager.hostCheck(later as never),
    () => manager.get(domain as never),
    () => manager.get(undefined as never),
    () => domain.copyDisk(undefined as never, '/copy'),
    () => domain.resizeDisk({ capacity: '1 GiB' } as never, undefined as never),
  ])
    await refused(String(call), call);
  assert.match((await refused('attac', () => domain.plan({ attac: [] } as never))).message, 'Did you mean attach?');
  assert.match((await refused('scope', () => domain.plan({ scope: 'liv' } as never))).message, "Did you mean 'live'?");
});

test('DomainManager: a URI, a connection that was not awaited or a manager is no connection', () => {
  for (const wrong of ['qemu:///system', Promise.resolve(silent), undefined, null, manager, {}]) {
    const error = failureNow(() => new DomainManager(wrong as never), 'ARGUMENT_INVALID');
    assert.match(error.message, 'await connect(uri)');
  }
  assert.match(
    failureNow(() => new DomainManager(silent, { hook: {} } as never), 'ARGUMENT_INVALID').message,
    'Did you mean hooks?',
  );
  const misspelt = () => new DomainManager(silent, { hooks: { beforStart: () => {} } } as never);
  assert.match(failureNow(misspelt, 'ARGUMENT_INVALID').message, 'Did you mean hooks.beforeStart?');
  failureNow(() => new DomainManager(silent, { hooks: { beforeStart: true } } as never), 'ARGUMENT_INVALID');
});

test('connect: options and their words, and what is no URI', async () => {
  const cases: ReadonlyArray<readonly [object, string]> = [
    [{ readOnly: true }, 'Did you mean readonly?'],
    [{ calltimeout: 5 }, 'Did you mean callTimeout?'],
    [{ redefine: 'refused' }, "Did you mean 'refuse'?"],
    [{ readonly: 'yes' }, 'true or false'],
    [{ callTimeout: '5s' }, 'milliseconds'],
    [{ keepAlive: { intervall: 5 } }, 'Did you mean keepAlive.interval?'],
    [{ keepAlive: true }, 'or false'],
    [{ reconnect: { attempt: 5 } }, 'Did you mean reconnect.attempts?'],
    [{ signal: new AbortController() }, 'AbortSignal'],
  ];
  for (const [options, message] of cases) {
    const error = await failure(connect('qemu+unix:///session?socket=/nowhere', options), 'ARGUMENT_INVALID');
    assert.ok(error.message.includes(message), `${error.message} for ${message}`);
  }
  for (const uri of [42, null, true, Symbol('x'), {}]) await failure(connect(uri as never), 'URI_INVALID');
  assert.match(
    (await failure(connect({ readonly: true } as never), 'URI_INVALID')).message,
    'connect(undefined, options)',
  );
  await failure(connectIn({} as never, 42 as never), 'URI_INVALID');
});

test('findRunning and compareGuestAbi: options are checked as well', async () => {
  await failure(findRunning(UUID, [], { timout: 5 } as never), 'ARGUMENT_INVALID');
  failureNow(() => compareGuestAbi(abi, abi, { volatile: 'yes' } as never), 'ARGUMENT_INVALID');
  failureNow(() => compareGuestAbi(abi, abi, { volatil: 'compare' } as never), 'ARGUMENT_INVALID');
});

test('good options pass: undefined, inherited ones, and a plan of the document', async () => {
  assert.ok(fixture('web.xml').length > 0);
  const error = await domain.state(Object.create({ timeout: 5 })).catch((thrown: Error) => thrown);
  assert.match(String(error), 'was sent');
  await refused('inherited', () => domain.state(Object.create({ timout: 5 })));
  assert.match(String(await domain.state({ signal: undefined }).catch((thrown: Error) => thrown)), 'was sent');
});

test.run();
