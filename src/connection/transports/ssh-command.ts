import { LibvirtCanonicalError } from '../../errors.js';
import { type ConnectionUri, isSet } from './uri.js';

/** A program and its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** `known_hosts_verify` of libvirt in ssh's words. */
const HOST_KEY_CHECKING: Readonly<Record<string, string | undefined>> = {
  normal: undefined,
  auto: 'accept-new',
  ignore: 'no',
};

/** Quotes a text for a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Returns how to run ssh for a URI, with the arguments that libvirt's client gives it. The remote command is one argument,
 * `sh -c '…'`, so that the login shell, whichever it is, sees only that quoting. Throws URI_INVALID.
 */
export function sshCommand(uri: ConnectionUri, readonly: boolean): Command {
  const { parameters, port, user, host } = uri;
  const keyfile = parameters.get('keyfile');
  const options: string[] = [];
  if (isSet(uri, 'no_tty')) options.push('BatchMode=yes');
  const checking = isSet(uri, 'no_verify') ? 'no' : hostKeyChecking(uri);
  if (checking) options.push(`StrictHostKeyChecking=${checking}`);
  const knownHosts = parameters.get('known_hosts');
  if (knownHosts) options.push(`UserKnownHostsFile=${configValue(uri, knownHosts)}`);
  return {
    program: parameters.get('command') ?? 'ssh',
    args: [
      ...(port === undefined ? [] : ['-p', String(port)]),
      ...(user === undefined ? [] : ['-l', user]),
      ...(keyfile === undefined ? [] : ['-i', keyfile]),
      '-T',
      '-e',
      'none',
      ...options.flatMap((option) => ['-o', option]),
      '--',
      host,
      `sh -c ${quoted(remoteScript(uri, readonly))}`,
    ],
  };
}

/** The script that connects the far end of ssh to the daemon: through libvirt's helper where it is installed, else nc. */
function remoteScript(uri: ConnectionUri, readonly: boolean): string {
  const program = helperOrNetcat(uri);
  const native = `virt-ssh-helper ${readonly ? '-r ' : ''}${quoted(uri.name || `qemu://${remotePath(uri)}`)}`;
  if (program === 'native') return native;
  const netcat = netcatScript(uri, readonly);
  return program === 'netcat'
    ? netcat
    : `if command -v virt-ssh-helper >/dev/null 2>&1; then ${native}; else ${netcat}; fi`;
}

const remotePath = ({ path }: ConnectionUri): string => (path === '/session' ? '/session' : '/system');

/** Some builds of nc end at the end of their input only with -q0, others do not know it. */
function netcatScript({ parameters, socket }: ConnectionUri, readonly: boolean): string {
  const nc = quoted(parameters.get('netcat') ?? 'nc');
  const path = quoted(socket ?? `/var/run/libvirt/libvirt-sock${readonly ? '-ro' : ''}`);
  return `if ${nc} -q 2>&1 | grep "requires an argument" >/dev/null 2>&1; then Q=-q0; else Q=; fi; ${nc} $Q -U ${path}`;
}

function helperOrNetcat(uri: ConnectionUri): 'auto' | 'native' | 'netcat' {
  const { parameters, socket, path, mode } = uri;
  const proxy = parameters.get('proxy') ?? 'auto';
  if (proxy !== 'auto' && proxy !== 'native' && proxy !== 'netcat') {
    throw invalid(uri, `proxy='${proxy}'`, 'proxy is auto, native or netcat');
  }
  if (mode === 'direct') {
    throw invalid(uri, 'mode=direct', "Leave it out; to use a driver daemon's socket name it: socket=PATH");
  }
  const named = socket !== undefined ? 'socket' : parameters.has('netcat') ? 'netcat' : undefined;
  if (proxy === 'native' && named) {
    throw invalid(uri, `proxy=native and ${named}=`, `virt-ssh-helper takes no ${named}: leave one of the two out`);
  }
  const session = path === '/session';
  const program = named ? 'netcat' : proxy === 'auto' && session ? 'native' : proxy;
  if (program === 'netcat' && session && socket === undefined) {
    throw invalid(
      uri,
      '/session through netcat',
      "The path of the session's socket is not known here: add socket=PATH",
    );
  }
  return program;
}

function hostKeyChecking(uri: ConnectionUri): string | undefined {
  const given = uri.parameters.get('known_hosts_verify') ?? 'normal';
  if (Object.hasOwn(HOST_KEY_CHECKING, given)) return HOST_KEY_CHECKING[given];
  throw invalid(uri, `known_hosts_verify='${given}'`, 'known_hosts_verify is normal, auto or ignore');
}

/** A path as ssh's -o takes it: in double quotes, where % begins a token. */
function configValue(uri: ConnectionUri, path: string): string {
  if (/["\n\r\\]/.test(path)) throw invalid(uri, 'a known_hosts that ssh cannot take', 'Use a path without quotes');
  return `"${path.replaceAll('%', '%%')}"`;
}

const invalid = (uri: ConnectionUri, what: string, remedy: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError('URI_INVALID', `the connection URI '${uri.text}' has ${what}`, { remedy });
