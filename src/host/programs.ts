import type { DomainDocument } from '../domain/index.js';
import type { HostFiles } from './files.js';
import type { HostFinding } from './finding.js';

/** A program that libvirt starts for a device, and that its domain capabilities do not look for. */
interface ProgramRow {
  readonly kind: string;
  readonly path: string;
  readonly value: string;
  readonly program: string;
}

const PROGRAMS: readonly ProgramRow[] = [
  { kind: 'interface', path: 'backend/@type', value: 'passt', program: 'passt' },
];

/** Where a daemon has its programs from. */
const FOLDERS = ['/usr/bin', '/usr/local/bin', '/bin'];

/** Programs that devices need and the host does not have where programs are. */
export async function checkPrograms({ devices }: DomainDocument, files: HostFiles): Promise<HostFinding[]> {
  const found = await Promise.all(
    devices.flatMap(({ kind, leaves, identity }) =>
      PROGRAMS.filter((row) => row.kind === kind.element && leaves.get(row.path) === row.value).map(
        async ({ program, path, value }): Promise<HostFinding[]> => {
          const seen = await Promise.all(FOLDERS.map((folder) => files.look(`${folder}/${program}`)));
          if (!seen.every((look) => look === 'missing')) return [];
          const problem = `its ${path} is ${value}, and there is no ${program} in ${FOLDERS.join(', ')}`;
          return [{ severity: 'warns', subject: identity, problem, remedy: `Install the package ${program}` }];
        },
      ),
    ),
  );
  return found.flat();
}
