import { execFileSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sshCommand } from '../../src/connection/transports/ssh-command.js';
import { parseUri } from '../../src/connection/transports/uri.js';

const PLAIN = ['-T', '-e', 'none'];
const NATIVE = "virt-ssh-helper 'qemu:///system'";
const netcat = (path: string, nc = 'nc') =>
  `if '${nc}' -q 2>&1 | grep "requires an argument" >/dev/null 2>&1; then Q=-q0; else Q=; fi; '${nc}' $Q -U '${path}'`;
const auto = (native: string, rest: string) =>
  `if command -v virt-ssh-helper >/dev/null 2>&1; then ${native}; else ${rest}; fi`;
const SYSTEM = auto(NATIVE, netcat('/var/run/libvirt/libvirt-sock'));

/** What the login shell hands to sh. */
const scriptOf = (command: string): string =>
  execFileSync('sh', ['-c', command.replace(/^sh -c /, "printf '%s' ")], { encoding: 'utf8' });

const COMMANDS: [uri: string, before: string[], host: string, script: string, program?: string][] = [
  ['qemu+ssh://h/system', PLAIN, 'h', SYSTEM],
  ['qemu+ssh:///system', PLAIN, 'localhost', SYSTEM],
  ['qemu+ssh://me@[::1]:2222/system', ['-p', '2222', '-l', 'me', ...PLAIN], '::1', SYSTEM],
  ['qemu+ssh://a%20b@h/system', ['-l', 'a b', ...PLAIN], 'h', SYSTEM],
  ['qemu+ssh://h/system?keyfile=/k%20y', ['-i', '/k y', ...PLAIN], 'h', SYSTEM],
  ['qemu+ssh://h/system?no_tty=1', [...PLAIN, '-o', 'BatchMode=yes'], 'h', SYSTEM],
  ['qemu+ssh://h/system?no_tty=0', PLAIN, 'h', SYSTEM],
  ['qemu+ssh://h/system?no_verify=1', [...PLAIN, '-o', 'StrictHostKeyChecking=no'], 'h', SYSTEM],
  ['qemu+ssh://h/system?known_hosts_verify=auto', [...PLAIN, '-o', 'StrictHostKeyChecking=accept-new'], 'h', SYSTEM],
  ['qemu+ssh://h/system?known_hosts_verify=ignore', [...PLAIN, '-o', 'StrictHostKeyChecking=no'], 'h', SYSTEM],
  ['qemu+ssh://h/system?known_hosts_verify=normal', PLAIN, 'h', SYSTEM],
  ['qemu+ssh://h/system?known_hosts=/my%20hosts%25', [...PLAIN, '-o', 'UserKnownHostsFile="/my hosts%%"'], 'h', SYSTEM],
  ['qemu+ssh://h/system?command=/opt/ssh', PLAIN, 'h', SYSTEM, '/opt/ssh'],
  ['qemu+ssh://h/system?proxy=native', PLAIN, 'h', NATIVE],
  ['qemu+ssh://h/system?proxy=netcat', PLAIN, 'h', netcat('/var/run/libvirt/libvirt-sock')],
  ['qemu+ssh://h/system?mode=legacy', PLAIN, 'h', SYSTEM],
  ['qemu+ssh://h/system?netcat=/opt/nc', PLAIN, 'h', netcat('/var/run/libvirt/libvirt-sock', '/opt/nc')],
  ['qemu+ssh://h/system?socket=/run/my%20sock', PLAIN, 'h', netcat('/run/my sock')],
  ["qemu+ssh://h/system?socket=/run/a'b$(reboot)", PLAIN, 'h', netcat("/run/a'\\''b$(reboot)")],
  ['qemu+ssh://h/session', PLAIN, 'h', "virt-ssh-helper 'qemu:///session'"],
  ['qemu+ssh://h/session?socket=/s', PLAIN, 'h', netcat('/s')],
  ['qemu+ssh://h/system?x=$(reboot)', PLAIN, 'h', SYSTEM.replace("system'", "system?x=$(reboot)'")],
  ['remote+ssh://h/', PLAIN, 'h', SYSTEM],
  ['remote+ssh://h/session', PLAIN, 'h', "virt-ssh-helper 'qemu:///session'"],
];
for (const [uri, before, host, script, program = 'ssh'] of COMMANDS) {
  test(`sshCommand: ${uri}`, () => {
    const command = sshCommand(parseUri(uri), false);
    const remote = command.args.at(-1) ?? '';
    assert.equal([command.program, ...command.args.slice(0, -1)], [program, ...before, '--', host]);
    assert.is(scriptOf(remote), script);
  });
}

test('sshCommand: read-only takes the helper with -r and the socket that is read-only', () => {
  const script = scriptOf(sshCommand(parseUri('qemu+ssh://h/system'), true).args.at(-1) ?? '');
  assert.is(script, auto("virt-ssh-helper -r 'qemu:///system'", netcat('/var/run/libvirt/libvirt-sock-ro')));
});

test.run();
