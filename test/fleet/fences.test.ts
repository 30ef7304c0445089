/** Proofs that a host is off: what gives one, what does not, and what libvirt says against it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  assertProof,
  type Fence,
  FenceUnprovedError,
  Fleet,
  fenceAgent,
  personConfirms,
  redfish,
} from '../../src/fleet/index.js';
import { failure, failureNow, scaled } from '../support/deadline.js';
import { FakeBmc, type FakeBmcOptions, PASSWORD, USER } from './fake-bmc.js';
import { trioOnDemand } from './trio.js';

const trio = trioOnDemand();
const folder = mkdtempSync(join(tmpdir(), 'lvc-fences-'));
test.after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await trio.stop();
});

const unproved = async (fence: Fence, host = 'a'): Promise<FenceUnprovedError> => {
  const error = await failure<FenceUnprovedError>(fence.prove(host), 'FENCE_UNPROVED');
  assert.instance(error, FenceUnprovedError);
  assert.is(error.host, host);
  assert.not.match(error.message, PASSWORD);
  return error;
};

test('personConfirms: a word with a name, of that host and no other; a proof counts for its time', async () => {
  const fence = personConfirms({ by: 'carol', host: 'a', says: 'pulled both cords' }, { validFor: 1_000 });
  const proof = await fence.prove('a');
  assert.equal([proof.host, proof.way, proof.by, proof.says], ['a', 'person', 'carol', 'pulled both cords']);
  assert.is(Date.parse(proof.validUntil) - Date.parse(proof.at), 1_000);
  assert.equal(JSON.parse(JSON.stringify(proof)), proof, 'it can be kept');
  assert.match((await unproved(fence, 'b')).message, /carol speaks of a/);
  for (const wrong of [undefined, {}, { by: '', host: 'a' }, { by: 'carol' }])
    failureNow(() => personConfirms(wrong as never), 'ARGUMENT_INVALID');

  const at = Date.parse(proof.at);
  assertProof(proof, 'a', new Date(at + 999));
  for (const [wrong, host, now, says] of [
    [proof, 'a', at + 1_001, /counted until/],
    [proof, 'b', at, /the proof is of a/],
    [proof, 'a', at - 120_000, /which is to come/],
    [{ ...proof, at: 'soon' }, 'a', at, /not whole/],
    [{ ...proof, by: '' }, 'a', at, /not whole/],
    [undefined, 'a', at, /no proof/],
  ] as const)
    assert.match(failureNow(() => assertProof(wrong as never, host, new Date(now)), 'FENCE_UNPROVED').message, says);
});

const bmc = (fake: FakeBmc, more: object = {}): Fence =>
  redfish({ url: fake.url, user: USER, password: PASSWORD, interval: 5, timeout: scaled(10_000), ...more });

test('redfish: switched off and read back as off, twice; one that is off already is not switched', async () => {
  await using fake = await FakeBmc.start();
  const proof = await bmc(fake).prove('a');
  assert.match(proof.says, /was On, was switched off, and PowerState was read as Off twice/);
  assert.is(proof.by, new URL(fake.url).host);
  assert.not.match(JSON.stringify(proof), PASSWORD);
  assert.is(
    fake.requests.filter((each) => each.startsWith('POST')).join(),
    'POST /redfish/v1/Systems/1/Actions/ComputerSystem.Reset {"ResetType":"ForceOff"}',
  );
  assert.is(fake.requests.slice(-2).join(), 'GET /redfish/v1/Systems/1,GET /redfish/v1/Systems/1');

  await using off = await FakeBmc.start({ power: 'Off' });
  assert.match((await bmc(off, { system: '/redfish/v1/Systems/1' }).prove('a')).says, /was off/);
  assert.not.ok(off.requests.some((each) => each.startsWith('POST')));
});

test('redfish: one that lies, hangs, flaps, refuses, talks of something else, or is not there proves nothing', async () => {
  const tried: ReadonlyArray<readonly [FakeBmcOptions, object, RegExp]> = [
    [{ manner: 'deaf' }, { timeout: 300 }, /did not show it within 300 ms/],
    [{ manner: { hangs: /./ } }, { timeout: 300 }, /did not show it within 300 ms/],
    [{ manner: { hangs: /Reset$/ } }, { timeout: 300 }, /did not show it within 300 ms/],
    [{ manner: 'flaps' }, { timeout: 300 }, /did not show it within 300 ms/],
    [{ manner: 'refuses' }, {}, /ComputerSystem\.Reset was answered with HTTP 500/],
    [{ manner: 'garbage' }, {}, /no JSON/],
    [{}, { password: 'wrong' }, /HTTP 401/],
    [{ systems: 2 }, {}, /2 systems, and one must be named/],
    [{ systems: 0 }, {}, /0 systems/],
    [{ allowable: ['On', 'GracefulShutdown'] }, {}, /has no ForceOff/],
    [{ target: 'http://192.0.2.1/off' }, {}, /leads to http:\/\/192\.0\.2\.1, which is another machine/],
  ];
  for (const [options, more, says] of tried) {
    await using fake = await FakeBmc.start(options);
    const { message, remedy } = await unproved(bmc(fake, more));
    assert.match(message, says);
    assert.match(String(remedy), /person's word/);
  }
  const gone = await FakeBmc.start();
  await gone[Symbol.asyncDispose]();
  assert.match((await unproved(bmc(gone))).message, /ECONNREFUSED/);
  await using fake = await FakeBmc.start({ manner: { hangs: /./ } });
  await failure(bmc(fake).prove('a', { signal: AbortSignal.timeout(50) }), 'ABORTED');
  for (const wrong of ['ftp://x', 'bmc'])
    failureNow(() => redfish({ url: wrong, user: USER, password: PASSWORD }), 'ARGUMENT_INVALID');
});

/** A program in the manner of fence-agents: it reads its options, and does by its own idea. */
function agent(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nin=$(cat)\naction=\${in##*action=}\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('fenceAgent: off, and status read twice as off, by the status it ends with and by its words', async () => {
  const log = join(folder, 'log');
  const honest = agent(
    'fence_honest',
    `echo "$action [$*] $in" >>${log}
     if [ "$action" = off ]; then echo 'Success: Powered OFF'; exit 0; fi
     echo 'Status: OFF'; exit 2`,
  );
  const proof = await fenceAgent({ program: honest, options: { ip: '10.0.0.9', password: PASSWORD } }).prove('a');
  assert.equal([proof.way, proof.by], ['fence-agent', honest]);
  const asked = readFileSync(log, 'utf8');
  assert.equal(asked.match(/^(off|status) \[\]/gm), ['off []', 'status []', 'status []'], 'nothing is an argument');
  assert.match(asked, new RegExp(`ip=10.0.0.9\npassword=${PASSWORD}\n`));

  const tried: ReadonlyArray<readonly [string, string, RegExp]> = [
    ['fence_lies', "[ $action = off ] && exit 0; echo 'Status: ON'; exit 0", /status ended with 0: Status: ON/],
    ['fence_stumbles', '[ $action = off ] && exit 0; exit 2', /status ended with 2/],
    [
      'fence_fails',
      `echo "cannot log in with ${PASSWORD}" >&2; exit 1`,
      /off ended with 1: cannot log in with \(hidden\)/,
    ],
    ['fence_hangs', 'exec sleep 1000', /did not show it within 500 ms/],
  ];
  for (const [name, body, says] of tried) {
    const options = { program: agent(name, body), options: { password: PASSWORD } };
    const { message } = await unproved(fenceAgent({ ...options, ...(name === 'fence_hangs' && { timeout: 500 }) }));
    assert.match(message, says);
  }
  const missing = await unproved(fenceAgent({ program: 'fence_of_nobody', options: {} }));
  assert.match(missing.message, /there is no such program\. Install it, often the package fence-agents/);
  for (const options of [{ action: 'on' }, { ip: '1\naction=on' }, { 'a=b': 'c' }, { ip: 7 }])
    failureNow(() => fenceAgent({ program: honest, options: options as never }), 'ARGUMENT_INVALID');
});

test('fleet.fence: a host that answers is not fenced; a proof that libvirt speaks against is a lie', async () => {
  const { uris, hosts } = await trio();
  await using fleet = await Fleet.open({ hosts: uris, timeout: scaled(2_000) });
  const word = personConfirms({ by: 'carol', host: 'a' });
  assert.match((await failure(fleet.fence('a', word), 'FENCE_UNPROVED')).message, /libvirt answers there\. Drain it/);
  // A fence of another machine: it is off, and this one is not.
  await using wrong = await FakeBmc.start();
  const lie = await failure(fleet.fence('a', bmc(wrong), { alive: 'fence' }), 'FENCE_UNPROVED');
  assert.match(lie.message, /says that it is, and libvirt answers there\. Look which machine/);

  // One that does what it says: a power cut, as far as a private host can have one.
  await using right = await FakeBmc.start({ onOff: () => hosts.a.cutPower() });
  const proof = await fleet.fence('a', bmc(right), { alive: 'fence' });
  assert.is(proof.host, 'a');

  // A dead daemon is silent, and so it counts for nothing without a proof.
  await using hanging = await FakeBmc.start({ manner: { hangs: /./ } });
  await failure(fleet.fence('a', bmc(hanging, { timeout: 300 })), 'FENCE_UNPROVED');
  const stale: Fence = { way: 'old', prove: async () => ({ ...proof, validUntil: new Date(0).toISOString() }) };
  assert.match((await failure(fleet.fence('a', stale), 'FENCE_UNPROVED')).message, /counted until 1970/);
  assert.is((await fleet.fence('a', word)).by, 'carol');
  await failure(fleet.fence('a', {} as never), 'ARGUMENT_INVALID');
});

test.run();
