import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Element } from '../xml/index.js';

/** A process, told apart from every other one that had or will have its number. What the system does not tell is empty. */
export interface Owner {
  readonly host: string;
  /** Of the machine's id, which is not to be shown: two hosts can have one name. */
  readonly machine: string;
  /** The boot of the host, and the PID namespace in which the number means something. */
  readonly boot: string;
  readonly namespace: string;
  readonly pid: number;
  /** When the process started, in the system's own count. */
  readonly started: string;
  /** The thread of the process, a worker's for one, and when that started: `1234 567890`. */
  readonly thread: string;
  /** This copy of the library in that process. */
  readonly copy: string;
}

/** `unknown`: a process of another host or container, of which this one cannot tell. */
export type OwnerState = 'running' | 'ended' | 'unknown';

const machineId = quietly(() => readFileSync('/etc/machine-id', 'utf8').trim());

/** This process. */
export const SELF: Owner = {
  host: hostname(),
  machine: machineId ? createHash('sha256').update(`libvirt-canonical ${machineId}`).digest('hex').slice(0, 12) : '',
  boot: quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '',
  namespace: quietly(() => readlinkSync('/proc/self/ns/pid')) ?? '',
  pid: process.pid,
  started: startOf(`/proc/${process.pid}`) ?? '',
  thread: ownThread(),
  copy: randomUUID(),
};

/** The process that an element of our own metadata names in its attributes, as {@link SELF} is written there. */
export function ownerOf(element: Element): Owner {
  const of = (name: string) => element.getAttribute(name) ?? '';
  return {
    host: of('host'),
    machine: of('machine'),
    boot: of('boot'),
    namespace: of('namespace'),
    pid: Number(of('pid')),
    started: of('started'),
    thread: of('thread'),
    copy: of('copy'),
  };
}

/** Whether a process still runs, as far as this one can tell. */
export function stateOfOwner(owner: Owner, self = SELF): OwnerState {
  const { host, machine, boot, namespace, pid, started } = owner;
  if (host !== self.host || machine !== self.machine) return 'unknown';
  if (boot !== self.boot) return machine === '' || boot === '' || self.boot === '' ? 'unknown' : 'ended';
  if (namespace !== self.namespace) return 'unknown';
  if (!exists(pid)) return 'ended';
  // The number may have been given again. Where /proc hides a stranger's process, one that exists counts as running.
  const start = startOf(`/proc/${pid}`);
  if (started !== '' && start !== undefined && start !== started) return 'ended';
  return start !== undefined && hasThreadEnded(owner) ? 'ended' : 'running';
}

/** A worker that dies takes nobody along: its process lives on. */
function hasThreadEnded({ pid, thread }: Owner): boolean {
  const [id, started] = thread.split(' ');
  return started !== undefined && startOf(`/proc/${pid}/task/${id}`) !== started;
}

/** /proc shows each thread that looks itself. */
function ownThread(): string {
  const id = quietly(() => readlinkSync('/proc/thread-self'))
    ?.split('/')
    .at(-1);
  const started = id && startOf(`/proc/${process.pid}/task/${id}`);
  return started ? `${id} ${started}` : '';
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of proc(5)'s stat, after the second, which may hold anything. Field 3 is Z for a process that has ended. */
function startOf(folder: string): string | undefined {
  const stat = quietly(() => readFileSync(`${folder}/stat`, 'utf8'));
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? 'ended' : fields?.[19];
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
