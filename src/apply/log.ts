import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOptions } from '../connection/index.js';
import { secretsHidden } from '../domain/index.js';
import type { DomainAccess } from './domain-access.js';

/** The end of a domain's log, which libvirt and QEMU write on the host: without the command line, and without secrets. */
export interface DomainLog {
  /** The file; undefined when it is not known where the daemon keeps it. */
  readonly path: string | undefined;
  /** What was written since the last start: at most 20 lines and 4 KiB. Undefined when it cannot be read. */
  readonly tail: string | undefined;
  /** Why there is no tail. */
  readonly absent?: string;
}

const LINES = 20;
const BYTES = 4_096;
/** How far back is read for the last start; virtlogd begins a new file after 2 MiB. */
const READ = 2 << 20;
/** What libvirt writes at each start, in UTC; the environment and the command line follow. */
const BANNER = /^\d{4}-\d\d-\d\d [\d:.]+\+0000: starting up .*\n/gm;

type Hide = (text: string) => string;
interface Mark {
  readonly file: number;
  readonly size: number;
}

/** The end of the log since the last start. */
export async function domainLog(reader: DomainAccess, call: CallOptions): Promise<DomainLog> {
  const { canonical, live } = await reader.documents(call);
  return readLog(reader, secretsHidden(canonical, live));
}

/** Remembers where the log ends, and returns how to read what came after that. */
export async function logFromNow(reader: DomainAccess): Promise<(hide: Hide) => Promise<DomainLog>> {
  const { path } = placeOf(reader);
  const now = path === undefined ? undefined : await stat(path).catch(() => undefined);
  return (hide) => readLog(reader, hide, now && { file: now.ino, size: now.size });
}

async function readLog(reader: DomainAccess, hide: Hide, mark?: Mark): Promise<DomainLog> {
  const { path, absent } = placeOf(reader);
  if (path === undefined) return { path, tail: undefined, absent };
  try {
    await using file = await open(path, 'r');
    const { ino, size } = await file.stat();
    // Another file: virtlogd has begun a new one since.
    const from = mark?.file === ino && mark.size <= size ? mark.size : 0;
    const buffer = Buffer.alloc(Math.min(size - from, READ));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length);
    return { path, tail: tailOf(hide(sinceLastStart(buffer.toString('utf8', 0, bytesRead)))) };
  } catch (error) {
    return { path, tail: undefined, absent: error instanceof Error ? error.message : String(error) };
  }
}

type LogLocation =
  | { readonly path: string; readonly absent?: never }
  | { readonly path: undefined; readonly absent: string };

function placeOf({ connection, handle }: DomainAccess): LogLocation {
  const { logDirectory } = connection;
  if (logDirectory !== undefined) return { path: join(logDirectory, `${handle.name}.log`) };
  const absent = 'it is not known where the daemon keeps the logs of its domains, or they are on another machine';
  return { path: undefined, absent: `${absent}: connect with logDirectory` };
}

/** From the last start on, its environment and command line left out: they can hold anything. */
function sinceLastStart(text: string): string {
  const banner = [...text.matchAll(BANNER)].at(-1);
  if (!banner) return text;
  const command = banner.index + banner[0].length;
  return banner[0] + text.slice(endOfCommand(text, command));
}

/** Behind a command as libvirt writes it: it ends with its line, unless that is quoted or escaped. */
function endOfCommand(text: string, start: number): number {
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === "'") quoted = !quoted;
    else if (character === '\\' && !quoted) at++;
    else if (character === '\n' && !quoted) return at + 1;
  }
  return text.length;
}

function tailOf(text: string): string {
  const lines = text.trimEnd().split('\n').slice(-LINES).join('\n');
  // What cutting in the middle of a character leaves of it is not shown.
  return Buffer.from(lines)
    .subarray(-BYTES)
    .toString()
    .replace(/^\uFFFD+/, '');
}
