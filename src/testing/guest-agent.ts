import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.js';
import { HostSetupError } from './errors.js';
import { type PackageScripts, unpackPackages } from './packages.js';
import { findProgram, run } from './programs.js';

/** How each package manager hands out the agent without installing it. */
const AGENT: PackageScripts = {
  'apt-get': 'apt-get "$@" -q download qemu-guest-agent >&2',
  dnf: 'dnf -q download --arch x86_64 qemu-guest-agent >&2',
  zypper: 'zypper --non-interactive --pkg-cache-dir "$PWD/cache" download qemu-guest-agent >&2',
  pacman: 'curl -fsSLO "$(pacman -Sp qemu-guest-agent)"',
};

/** Device of a domain that the agent listens on. */
export const AGENT_CHANNEL =
  "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/><alias name='ua-agent'/></channel>";

/**
 * Run beside process 1 where there is an agent: asks for an address on each NIC, and waits for the agent's port, which is a
 * module and a hot-plug away.
 */
export const AGENT_SCRIPT = `#!/bin/sh
export LD_LIBRARY_PATH=/lib/agent
mkdir -p /run /sbin
printf '#!/bin/sh\\nsync\\npoweroff -f\\n' >/sbin/shutdown
chmod +x /sbin/shutdown
printf '#!/bin/sh\\n[ "$1" = bound ] && ifconfig "$interface" "$ip" netmask "$subnet"\\n' >/tmp/dhcp
chmod +x /tmp/dhcp
for nic in /sys/class/net/*/device; do
  [ -e "$nic" ] || continue
  nic=\${nic%/device}
  ifconfig \${nic##*/} up
  udhcpc -bq -i \${nic##*/} -s /tmp/dhcp -t 10 -T 1 &
done
while :; do
  for name in /sys/class/virtio-ports/*/name; do
    [ -e $name ] && read -r value <$name || continue
    [ "$value" = org.qemu.guest_agent.0 ] || continue
    port=\${name%/name}
    /bin/qemu-ga -m virtio-serial -p /dev/\${port##*/} -t /run -f /run/qemu-ga.pid
  done
  sleep 0.2
done
`;

/** QEMU's guest agent and what it needs to run. */
export interface GuestAgent {
  readonly program: string;
  readonly loader: string;
  readonly libraries: readonly string[];
}

const directory = () => join(cacheDirectory(), 'guest/agent');

/** The agent fetched before, or `undefined`. Its libraries are this machine's, where QEMU itself needs them. */
export async function guestAgent(): Promise<GuestAgent | undefined> {
  const program = ['usr/sbin/qemu-ga', 'usr/bin/qemu-ga'].map((path) => join(directory(), path)).find(existsSync);
  if (!program) return undefined;
  const listed = await run(findProgram('ldd'), [program]);
  const [missing] = /\S+(?= => not found)/.exec(listed) ?? [];
  if (missing) throw new HostSetupError(`The guest agent needs ${missing}, which this machine does not have`);
  const [loader = ''] = /\/\S*\/ld-linux\S*/.exec(listed) ?? [];
  const libraries = [...listed.matchAll(/=> (\/\S+)/g)].map(([, path = '']) => path).filter((path) => path !== loader);
  return { program, loader, libraries };
}

/** Fetches the distribution's qemu-guest-agent and unpacks it into the cache; nothing is installed. */
export async function fetchGuestAgent(options: { readonly signal?: AbortSignal } = {}): Promise<GuestAgent> {
  const manager = await unpackPackages('agent', AGENT, directory(), options);
  const agent = await guestAgent();
  if (!agent) throw new HostSetupError(`The package fetched with ${manager} has no qemu-ga in a known place`);
  return agent;
}
