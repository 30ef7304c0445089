import * as assert from 'uvu/assert';
import { LibvirtCanonicalError, LibvirtError } from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';
import { prove, SettingBench } from '../domain/settings/prove.js';
import type { Bench } from '../support/bench.js';
import type { SettingCase } from './cases/settings.js';
import { errorText } from './findings.js';

type State = 'off' | 'running';

/** Proves a setting on a system daemon; the word for the document. */
export async function provePrivileged(bench: Bench, each: SettingCase, state: State): Promise<string> {
  if (each.setting === 'bandwidth' && state === 'running' && !(await hasSfq(bench.host)))
    return 'yes by source: this kernel has no sfq, by which libvirt shapes traffic';
  const domain = await (state === 'off' ? bench.define(each.domain) : bench.started(each.domain));
  try {
    await prove(new SettingBench(bench.connection, domain, false), each, state === 'off' ? 'off' : 'together');
    return 'yes';
  } finally {
    await domain.destroy();
  }
}

/**
 * Shows that session mode refuses such a setting: the plan does, and so does libvirt when it is called all the same. A
 * domain whose NIC only a system daemon can connect does not start at all.
 */
export async function refusedSetting(bench: Bench, each: SettingCase, state: State): Promise<string> {
  const domain = await bench.define(each.domain);
  if (state === 'running') {
    const error = await domain.start({ paused: true }).catch((thrown: unknown) => thrown);
    if (error instanceof LibvirtCanonicalError && error.code === 'START_FAILED') return 'no, the domain does not start';
    assert.is(error, undefined);
  }
  try {
    const value = each.values[0]?.value;
    const { refusals } = await new SettingBench(bench.connection, domain, true).plan(each.setting, value);
    const unaware = new SettingBench(bench.connection, domain, false);
    const plan = await unaware.plan(each.setting, value);
    const error = await unaware.runAll(plan).catch((thrown: unknown) => thrown);
    if (error === undefined || Array.isArray(error)) return refusals.length > 0 ? 'not offered' : 'yes';
    assert.instance(error, LibvirtError, String(error));
    assert.ok(refusals.length > 0, `libvirt refuses it (${errorText(error)}), and the plan does not`);
    return `no (${errorText(error)})`;
  } finally {
    await domain.destroy();
  }
}

let sfq: Promise<boolean> | undefined;

function hasSfq(host: PrivateHost): Promise<boolean> {
  const add = () => host.run('tc', 'qdisc', 'add', 'dev', 'br0', 'root', 'sfq', 'perturb', '10');
  const remove = () => host.run('tc', 'qdisc', 'del', 'dev', 'br0', 'root');
  sfq ??= add()
    .then(remove)
    .then(
      () => true,
      () => false,
    );
  return sfq;
}
