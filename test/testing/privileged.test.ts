import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connect } from '../../src/index.js';
import { HostSetupError, PrivateHost, privilegedProblem } from '../../src/testing/index.js';
import { within } from '../support/deadline.js';
import { alive, emptyDomain, until, virsh, virshWith } from './virsh.js';

const test = suite('PrivateHost, privileged');
const problem = await privilegedProblem();
if (problem) console.log(`  skipped: ${problem}`);
const privileged = problem ? test.skip : test;

/** What the machine has of libvirt, by path: a private host must change none of it. */
const OF_THE_MACHINE = ['/etc/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt', '/run/libvirt'];
const machine = () => OF_THE_MACHINE.map((path) => [path, existsSync(path) && readdirSync(path, { recursive: true })]);

/** Processes that live in the host's directory, by their environment. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`=${directory}/`);
    } catch {
      return false;
    }
  });
}

function controlGroupsOf(directory: string): string[] {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return [];
  for (let attempt = 1; ; attempt++) {
    try {
      return readdirSync(root, { recursive: true })
        .map(String)
        .filter((path) => path.includes(basename(directory)));
    } catch (error) {
      // A group that goes while it is listed, ours or another's: look again.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 20) throw error;
    }
  }
}

/** A domain with a place to plug a device into. */
const roomy = (name: string) =>
  emptyDomain(name).replace(
    '<devices>',
    `<devices><controller type='pci' index='0' model='pcie-root'/>
      <controller type='pci' index='1' model='pcie-root-port'/><controller type='pci' index='2' model='pcie-root-port'/>`,
  );

privileged('is a system daemon in namespaces of its own, and leaves nothing', async () => {
  const before = machine();
  const interfaces = readdirSync('/sys/class/net');
  const host = await within(PrivateHost.start({ privileged: true }));
  const { directory, pid = 0 } = host;
  assert.ok(host.privileged);
  assert.match(host.uri, /^qemu\+unix:\/\/\/system\?socket=/);
  assert.match(await virsh(host, 'capabilities'), `<uuid>${host.hostUuid}</uuid>`);
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /libvirtd|virtqemud/);
  for (const space of ['mnt', 'net', 'pid'])
    assert.is.not(readlinkSync(`/proc/${pid}/ns/${space}`), readlinkSync(`/proc/self/ns/${space}`), space);
  {
    await using connection = await connect(host.uri);
    assert.is(connection.libvirtVersion, host.libvirtVersion);
  }
  await virshWith(host, emptyDomain('d1'), 'create');
  assert.match(await host.logOf('d1'), 'qemu-system-x86_64');
  assert.ok(controlGroupsOf(directory).length > 0);

  await within(host.stop());
  assert.not(alive(pid));
  assert.not(existsSync(directory));
  assert.equal(processesOf(directory), []);
  assert.equal(controlGroupsOf(directory), []);
  assert.equal(machine(), before);
  assert.equal(readdirSync('/sys/class/net'), interfaces);
});

privileged('does what session mode refuses: bridges, memory and CPU tuning', async () => {
  await using host = await PrivateHost.start({ privileged: true });
  await host.createBridge('br0');
  await virshWith(host, roomy('d1'), 'create');
  const nic = "<interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>";
  await virshWith(host, nic, 'attach-device', 'd1');
  assert.match(await host.run('ip', '-o', 'link', 'show', 'master', 'br0'), /vnet0/);
  await virsh(host, 'memtune', 'd1', '--live', '--hard-limit', '1048576');
  assert.match(await virsh(host, 'memtune', 'd1'), /hard_limit\s*: 1048576/);
  await virsh(host, 'schedinfo', 'd1', '--live', '--set', 'cpu_shares=2000');
  assert.match(await virsh(host, 'schedinfo', 'd1'), /cpu_shares\s*: 2000/);
  // libvirt waits for the end of QEMU, which is a child of the namespaces' first process by then.
  await within(virsh(host, 'destroy', 'd1'), 10_000);
});

privileged('restarts, kills and starts its daemon while a domain goes on', async () => {
  await using host = await PrivateHost.start({ privileged: true });
  await virshWith(host, emptyDomain('d1'), 'create');
  const first = host.pid;
  await within(host.restartDaemon());
  assert.is.not(host.pid, first);
  assert.is(await virsh(host, 'domstate', 'd1'), 'running');
  await within(host.killDaemon());
  assert.is(host.pid, undefined);
  await within(host.startDaemon());
  assert.is(await virsh(host, 'domstate', 'd1'), 'running');
});

privileged('has a disk and a guest as every host has', async () => {
  await using host = await PrivateHost.start({ privileged: true });
  const file = await host.createDisk('root.qcow2');
  const guest = await host.guest({ name: 'g1' });
  await virshWith(host, guest.domainXml({ disks: [{ file, target: 'vda', serial: 'S-1' }] }), 'create');
  const { disks } = await guest.waitForReport();
  assert.is(disks[0]?.serial, 'S-1');
});

privileged('leaves no process, file or control group behind after SIGKILL', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./privileged-child.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await until('the child', () => output.endsWith('\n') || child.exitCode !== null, 60_000);
  const { directory, pid } = JSON.parse(output) as { directory: string; pid: number };
  assert.ok(alive(pid) && processesOf(directory).length > 2 && controlGroupsOf(directory).length > 0);
  child.kill('SIGKILL');
  await until('the end of all processes', () => !alive(pid) && processesOf(directory).length === 0);
  await until('the end of the directory', () => !existsSync(directory));
  await until('the end of the control groups', () => controlGroupsOf(directory).length === 0);
});

test('says that it needs root, and that only it has a network of its own', async () => {
  const uid = process.getuid as () => number;
  process.getuid = () => 1000;
  try {
    const error = await PrivateHost.start({ privileged: true }).catch((thrown: unknown) => thrown);
    assert.instance(error, HostSetupError);
    assert.match((error as HostSetupError).message, /needs root.*Run as root/s);
    assert.match((await privilegedProblem()) ?? '', /needs root/);
  } finally {
    process.getuid = uid;
  }
  await using host = await PrivateHost.start();
  assert.not(host.privileged);
  const error = await host.createBridge('br0').catch((thrown: unknown) => thrown);
  assert.match((error as HostSetupError).message, /Only a privileged host/);
});

test.run();
