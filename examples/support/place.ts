import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type DomainSpec } from 'libvirt-canonical';
import { type Guest, PrivateHost } from 'libvirt-canonical/testing';

/** Where an example runs, and what it needs there. Disposal removes all of it. */
export interface Place extends AsyncDisposable {
  readonly uri: string;
  /** A domain name that nobody else has. */
  readonly name: string;
  /** `kvm` if the host can, else `qemu`. */
  readonly type: 'kvm' | 'qemu';
  /** Makes an empty raw image and returns its path. */
  disk(name: string): Promise<string>;
  /** Folder of the images. */
  readonly directory: string;
  /** Path of a file beside the images that is not there yet. */
  file(name: string): string;
  /** What makes the domain boot the small Linux of a private host; nothing on a host of yours, where no system boots. */
  readonly guest: Pick<DomainSpec, 'kernel' | 'devices'>;
  /** Resolves when that Linux runs; at once where there is none. */
  booted(): Promise<void>;
}

/**
 * The URI on the command line, else LIBVIRT_DEFAULT_URI, else a private host that is gone afterwards; `agent`: with a guest
 * agent in its Linux.
 */
export async function findPlace({ agent = false } = {}): Promise<Place> {
  const uri = process.argv[2] ?? process.env.LIBVIRT_DEFAULT_URI;
  return uri ? yours(uri) : ofItsOwn(agent);
}

async function ofItsOwn(agent: boolean): Promise<Place> {
  const host = await PrivateHost.start();
  const guest = await host.guest({ name: 'example', agent });
  let last: string | undefined;
  return {
    uri: host.uri,
    name: 'example',
    type: 'qemu',
    guest: bootOf(guest),
    directory: join(host.directory, 'images'),
    disk: (name) => host.createDisk(`${name}.raw`, { size: '64 MiB' }),
    file: (name) => join(host.directory, 'images', name),
    async booted() {
      const report = await guest.waitForReport(last === undefined ? {} : { after: last });
      last = report.bootId;
    },
    [Symbol.asyncDispose]: () => host.stop(),
  };
}

function bootOf({ kernel: path, initrd, cmdline, serialDevices: devices }: Guest): Place['guest'] {
  return { kernel: { path, initrd, cmdline }, devices };
}

async function yours(uri: string): Promise<Place> {
  await using connection = await connect(uri);
  const kvm = { emulatorbin: null, arch: 'x86_64', machine: 'q35', virttype: 'kvm', flags: 0 };
  const type = await connection.call('CONNECT_GET_DOMAIN_CAPABILITIES', kvm).then(
    () => 'kvm' as const,
    () => 'qemu' as const,
  );
  const directory = await mkdtemp(join(tmpdir(), 'libvirt-canonical-'));
  // A system daemon runs QEMU as a user of its own.
  await chmod(directory, 0o1777);
  return {
    uri,
    name: `example-${randomUUID().slice(0, 8)}`,
    type,
    guest: {},
    async disk(name) {
      const path = join(directory, `${name}.raw`);
      await writeFile(path, '');
      await truncate(path, 64 << 20);
      await chmod(path, 0o666);
      return path;
    },
    directory,
    file: (name) => join(directory, name),
    async booted() {},
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
