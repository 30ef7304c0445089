import type { ResolvedOptions } from '../options.js';
import type { Environment } from './environment.js';
import type { Dial } from './link.js';
import { sshDial } from './ssh.js';
import { tcpDial } from './tcp.js';
import { tlsDial } from './tls.js';
import { unixDial } from './unix.js';
import type { ConnectionUri } from './uri.js';

/** How to open links for a URI. Throws what is wrong with the URI before anything is tried. */
export function dialOf(uri: ConnectionUri, options: ResolvedOptions, environment: Environment): Dial {
  switch (uri.transport) {
    case 'unix':
      return unixDial(uri, options.readonly, environment);
    case 'ssh':
      return sshDial(uri, options.readonly);
    case 'tls':
      return tlsDial(uri, environment, options.callTimeout);
    case 'tcp':
      return tcpDial(uri, options.insecure, options.callTimeout);
  }
}
