import { spawn } from 'node:child_process';
import { type ErrorCode, LibvirtCanonicalError } from '../../errors.js';
import { type ChildEnd, ChildStream } from './child-stream.js';
import { systemCode } from './connect-unix.js';
import type { Dial } from './link.js';
import { type Command, sshCommand } from './ssh-command.js';
import { type ConnectionUri, isSet } from './uri.js';

/** Opens links by the system's own ssh, so that the user's configuration, agent, jump hosts and known hosts count. */
export function sshDial(uri: ConnectionUri, readonly: boolean): Dial {
  const command = sshCommand(uri, readonly);
  const where = `${uri.user === undefined ? '' : `${uri.user}@`}${uri.host}`;
  return async () => ({
    stream: sshStream(command, where, isSet(uri, 'no_tty')),
    where: `ssh to ${where}`,
    name: uri.name || (uri.path === '/session' ? 'qemu:///session' : ''),
    protection: 'ssh',
    ifSilent: 'ssh may wait for an answer at the terminal (no_tty=1 forbids that), or the host or its daemon hangs',
  });
}

function sshStream({ program, args }: Command, where: string, noTerminal: boolean): ChildStream {
  const child = spawn(program, args, {
    stdio: 'pipe',
    // ssh's messages are matched below.
    env: { ...process.env, LC_ALL: 'C' },
    // In a session of its own ssh has no terminal to ask at, and none whose Ctrl-C would end it before this program decides.
    detached: noTerminal,
  });
  return new ChildStream(child, (end) => sshError(end, program, where));
}

/** What ssh's complaints mean. The first row that fits counts. */
interface Meaning {
  /** Of ssh, or of the remote program. */
  readonly exit?: number;
  readonly lastLine?: RegExp;
  readonly anyLine?: RegExp;
  readonly code?: ErrorCode;
  readonly remedy: string;
}

const REFUSED = /Permission denied \([\w,-]+\)|Too many authentication failures/;

const MEANINGS: readonly Meaning[] = [
  {
    anyLine: /IDENTIFICATION HAS CHANGED/,
    lastLine: /Host key verification failed/,
    code: 'AUTHENTICATION_FAILED',
    remedy: 'The host shows another key than it used to: find out why, then remove the old one with ssh-keygen -R HOST',
  },
  {
    lastLine: /Host key verification failed/,
    code: 'AUTHENTICATION_FAILED',
    remedy: "The host's key is not known: connect once with ssh and compare it, or name the file with known_hosts=",
  },
  {
    anyLine: /Identity file .* not accessible/,
    lastLine: REFUSED,
    code: 'AUTHENTICATION_FAILED',
    remedy: 'The key file cannot be read: correct keyfile=',
  },
  {
    anyLine: /UNPROTECTED PRIVATE KEY|bad permissions/,
    lastLine: REFUSED,
    code: 'AUTHENTICATION_FAILED',
    remedy: 'ssh does not use a key that others may read: chmod 600 the key file',
  },
  {
    lastLine: REFUSED,
    code: 'AUTHENTICATION_FAILED',
    remedy: 'Give a key that this user of that host accepts (keyfile=, an agent), and check the user name',
  },
  { lastLine: /Could not resolve hostname/, remedy: 'Check the name of the host' },
  {
    lastLine: /Connection refused|No route to host|timed out|Network is unreachable|Timeout, server/,
    remedy: 'Check the host, its port and its sshd',
  },
  {
    lastLine: /kex_exchange_identification|Connection (closed|reset) by/,
    remedy: 'Check that an ssh server listens on that port',
  },
  { lastLine: /configuration option|open user config/, remedy: "Correct ssh's configuration" },
  {
    exit: 127,
    lastLine: /not found/,
    remedy: 'Install libvirt-clients (virt-ssh-helper) or netcat-openbsd (nc) on the host, or name it: netcat=PATH',
  },
  {
    lastLine: /ermission denied/,
    remedy: "The user may not open the daemon's socket: add it to the group 'libvirt' there",
  },
  {
    lastLine: /No such file or directory|Connection refused|ailed to connect socket/,
    remedy: 'Start the libvirt daemon of that host, or name its socket: socket=PATH',
  },
];

/** The error of an ssh that ended. Exit code 0 is the end of the daemon's stream, and no error. */
function sshError(
  { code, signal, complaints, spawnError }: ChildEnd,
  program: string,
  where: string,
): Error | undefined {
  if (code === 0) return undefined;
  if (spawnError) {
    return new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${program} cannot be run (${systemCode(spawnError)})`, {
      cause: spawnError,
      remedy: "Install OpenSSH's client, or name the program in the URI: command=PATH",
    });
  }
  const lines = complaints.split(/[\r\n]+/).map((line) => line.replace(/\p{Cc}/gu, '').trim());
  const last = lines.filter(Boolean).at(-1)?.replace(/\.$/, '') ?? '';
  const ended = signal ? `was ended by ${signal}` : code === null ? 'closed its output' : `ended with ${code}`;
  const meaning = MEANINGS.find(
    ({ exit = code, lastLine, anyLine }) =>
      exit === code && (lastLine?.test(last) ?? true) && (anyLine?.test(complaints) ?? true),
  );
  const details = meaning ? { remedy: meaning.remedy } : {};
  const message = `${program} to ${where} ${ended}${last ? `: ${last}` : ''}`;
  return new LibvirtCanonicalError(meaning?.code ?? 'DAEMON_UNREACHABLE', message, details);
}
