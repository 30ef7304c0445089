import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, DomainManager, type DomainSpec } from '../../../src/index.js';
import { PrivateHost } from '../../../src/testing/index.js';
import { privilegedProblem } from '../../../src/testing/privileged.js';
import { BRIDGE, cases } from '../../matrix/cases/settings.js';
import { prove, SettingBench } from './prove.js';

const test = suite('settings that session mode refuses, on a privileged host');
const problem = await privilegedProblem();

/** A host for all tests of the file, started by the first one. */
let opened: Promise<Opened> | undefined;
async function open() {
  const host = await PrivateHost.start({ privileged: true });
  await host.createBridge(BRIDGE);
  const connection = await connect(host.uri);
  return { host, connection, manager: new DomainManager(connection) };
}
type Opened = Awaited<ReturnType<typeof open>>;
const get = () => {
  opened ??= open();
  return opened;
};
test.after(async () => {
  const bench = await opened?.catch(() => undefined);
  await bench?.connection.close();
  await bench?.host.stop();
});

let domains = 0;
for (const each of cases) {
  if (each.host !== 'privileged') continue;
  for (const way of ['off', 'together', 'apart'] as const) {
    if (each.states && !each.states.includes(way === 'off' ? 'off' : 'running')) continue;
    const title = `${each.setting}: ${each.title} (${way})`;
    if (problem !== undefined) {
      test.skip(`${title}: ${problem}`, () => {});
      continue;
    }
    test(title, async () => {
      const { host, connection, manager } = await get();
      const spec: DomainSpec = {
        name: `d${++domains}`,
        type: 'qemu',
        memory: '64 MiB',
        vcpus: { current: 1, maximum: 2 },
        hotplug: { pciePorts: 4 },
        disks: [
          { id: 'root', target: 'vda', file: await host.createDisk(`d${domains}.qcow2`), format: 'qcow2', boot: 1 },
        ],
        interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:01' }],
        ...each.domain,
      };
      const domain = await manager.define(spec);
      if (way !== 'off') await domain.start({ paused: true });
      const able = way === 'off' || !each.qdisc || (await hasQdisc(host, each.qdisc));
      const proof = prove(new SettingBench(connection, domain, false), each, way);
      if (able) await proof;
      // Without it libvirt itself fails, and says so.
      else assert.match(String(await proof.catch((error: unknown) => error)), /LibvirtError.*tc qdisc/s);
      await domain.destroy();
    });
  }
}

test.run();

/** Small kernels come without some queueing disciplines that libvirt shapes traffic with. */
async function hasQdisc(host: PrivateHost, kind: string): Promise<boolean> {
  try {
    await host.run('tc', 'qdisc', 'replace', 'dev', BRIDGE, 'root', kind);
    await host.run('tc', 'qdisc', 'del', 'dev', BRIDGE, 'root');
    return true;
  } catch {
    return false;
  }
}
