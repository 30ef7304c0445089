import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DomainSpec } from '../../src/index.js';
import { cacheDirectory } from '../../src/testing/cache.js';
import { unpackPackages } from '../../src/testing/packages.js';
import { run } from '../../src/testing/programs.js';
import { scaled } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';

/** Debian's kernel and busybox for arm64, fetched by lists of their own, so that nothing of the machine's apt is changed. */
const FETCH = `own="-o Dir::State::lists=$PWD/arm64/lists -o Dir::Cache=$PWD/arm64/cache -o APT::Architecture=arm64 -o APT::Architectures=arm64"
  mkdir -p arm64/lists/partial arm64/cache/archives/partial
  apt-get -q $own update >&2
  name=$(apt-cache $own depends linux-image-cloud-arm64 | sed -n 's/^ *Depends: \\(linux-image-[0-9].*\\)/\\1/p' | head -n 1)
  [ -n "$name" ] || return 1
  apt-get -q $own download "$name" busybox-static:arm64 >&2`;
const NOWHERE = 'echo "the arm64 guest is fetched with apt-get only" >&2; exit 1';
const directory = () => join(cacheDirectory(), 'guest-arm64');

/** Modules in the order in which they can be loaded. */
const MODULES = [
  ...['virtio_ring', 'virtio', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_pci', 'virtio_blk'],
  ...['failover', 'net_failover', 'virtio_net', 'virtio_balloon'],
];

/** Prints each second what it sees: the boot, and each virtio device with its PCI address and the name that it is known by. */
const INIT = `#!/bin/busybox sh
export PATH=/bin
mount -t devtmpfs none /dev
exec </dev/null >/dev/ttyAMA0 2>&1
mount -t proc none /proc
mount -t sysfs none /sys
for module in ${MODULES.join(' ')}; do [ ! -e /lib/$module.ko ] || insmod /lib/$module.ko; done
read -r boot </proc/sys/kernel/random/boot_id
while :; do
  line=
  for device in /sys/bus/virtio/devices/*; do
    at=$(readlink -f $device)
    at=\${at%/*}
    for serial in $device/block/*/serial; do [ ! -e $serial ] || { read -r name <$serial; line="$line disk:$name=\${at##*/}"; }; done
    for mac in $device/net/*/address; do [ ! -e $mac ] || { read -r name <$mac; line="$line nic:$name=\${at##*/}"; }; done
  done
  echo "@seen $boot$line @end"
  sleep 1
done
`;

/** True once {@link fetchArmGuest} has run. */
export function hasArmGuest(): boolean {
  return existsSync(join(directory(), 'boot'));
}

/** Fetches and unpacks the packages into the cache, 22 MB; nothing is installed. */
export async function fetchArmGuest(): Promise<void> {
  if (hasArmGuest()) return;
  const scripts = { 'apt-get': FETCH, dnf: NOWHERE, zypper: NOWHERE, pacman: NOWHERE };
  await unpackPackages('arm64 kernel', scripts, directory(), {});
}

/** What a guest saw of itself last. */
export interface Seen {
  readonly boot: string;
  /** `disk:SERIAL` and `nic:MAC` to the PCI address. */
  readonly devices: ReadonlyMap<string, string>;
}

/** The guest in the directory of a host: what goes into a spec, and a look at what it sees. */
export async function armGuest(hostDirectory: string) {
  const home = join(hostDirectory, 'arm64');
  const root = join(home, 'root');
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'lib']) mkdirSync(join(root, folder), { recursive: true });
  const busybox = join(root, 'bin/busybox');
  copyFileSync(join(directory(), 'bin/busybox'), busybox);
  chmodSync(busybox, 0o755);
  // A program of another machine cannot say what it can do, so its names are those that the script uses.
  for (const name of ['sh', 'mount', 'insmod', 'readlink', 'sleep'])
    writeFileSync(join(root, 'bin', name), `#!/bin/busybox sh\nexec /bin/busybox ${name} "$@"\n`, { mode: 0o755 });
  const files = readdirSync(join(directory(), 'lib/modules'), { recursive: true, encoding: 'utf8' });
  for (const file of files) {
    const name = basename(file).replace(/\.ko$/, '').replaceAll('-', '_');
    if (file.endsWith('.ko') && MODULES.includes(name))
      copyFileSync(join(directory(), 'lib/modules', file), join(root, 'lib', `${name}.ko`));
  }
  writeFileSync(join(root, 'init'), INIT, { mode: 0o755 });
  // QEMU may run as another user, and writes what the guest says.
  chmodSync(home, 0o777);
  const initrd = join(home, 'initramfs');
  await run('/bin/sh', ['-e', '-c', 'cd "$1"; find . | cpio -o -H newc -R 0:0 --quiet >"$2"', 'sh', root, initrd]);
  const kernel = join(home, 'kernel');
  const [packaged = ''] = readdirSync(join(directory(), 'boot')).filter((name) => name.startsWith('vmlinuz'));
  copyFileSync(join(directory(), 'boot', packaged), kernel);
  for (const file of [initrd, kernel]) chmodSync(file, 0o644);
  const log = join(home, 'console');
  const seen = (): Seen | undefined => {
    const text = existsSync(log) ? readFileSync(log, 'latin1') : '';
    const [last] = [...text.matchAll(/@seen (\S+)((?: \S+=\S+)*) @end/g)].slice(-1);
    if (!last) return undefined;
    const pairs = (last[2] ?? '').trim().split(' ').filter(Boolean);
    return { boot: last[1] ?? '', devices: new Map(pairs.map((pair) => pair.split('=') as [string, string])) };
  };
  return {
    version: packaged.replace('vmlinuz-', ''),
    spec: {
      memory: '512 MiB',
      kernel: { path: kernel, initrd, cmdline: 'console=ttyAMA0 quiet panic=-1 rdinit=/init' },
      devices: [`<serial type='file'><source path='${log}'/></serial>`],
    } satisfies Partial<DomainSpec>,
    /** What it sees once that is as expected. */
    async sees(what: string, expected: (seen: Seen) => boolean): Promise<Seen> {
      let last: Seen | undefined;
      await eventually(
        `the guest sees ${what}`,
        async () => {
          last = seen();
          return last !== undefined && expected(last);
        },
        scaled(120_000),
      );
      return last as Seen;
    },
  };
}
