import { homedir } from 'node:os';

/** What the choice of URI and socket depends on beside the URI; tests give their own. */
export interface Environment {
  readonly root: boolean;
  readonly home: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** /run or, in tests, another place. */
  readonly systemRuntime: string;
  /** /etc/libvirt or, in tests, another place. */
  readonly systemConfig: string;
  /** /etc/pki or, in tests, another place. */
  readonly systemPki: string;
}

/** The environment of this process. */
export function processEnvironment(): Environment {
  return {
    root: process.geteuid?.() === 0,
    home: homedir(),
    variables: process.env,
    systemRuntime: '/run',
    systemConfig: '/etc/libvirt',
    systemPki: '/etc/pki',
  };
}

/** Where the sockets of the user's own daemons are. */
export function userRuntimeDirectory({ variables, home }: Environment): string {
  const { XDG_RUNTIME_DIR, XDG_CACHE_HOME } = variables;
  return `${XDG_RUNTIME_DIR || XDG_CACHE_HOME || `${home}/.cache`}/libvirt`;
}

/** Where the client's libvirt.conf is. */
export function clientConfigDirectory({ root, variables, home, systemConfig }: Environment): string {
  return root ? systemConfig : `${variables.XDG_CONFIG_HOME || `${home}/.config`}/libvirt`;
}
