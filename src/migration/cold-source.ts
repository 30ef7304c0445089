import type { CallOptions, Connection } from '../connection/index.js';
import { type ImageFile, imageFile, isLibvirt } from '../images/index.js';
import { blocks, type MigrationFinding } from './findings.js';

/** A disk whose image is to be copied. */
interface ColdDisk {
  readonly identity: string;
  readonly path: string | undefined;
  readonly moved: string | undefined;
  /** Whether the document names the images below it: those are looked for at the destination with all others. */
  readonly chained: boolean;
}

/** The file of a disk that is to be copied while its domain is off, and why it cannot be. */
export async function coldSource(
  source: Connection,
  destination: Connection,
  { identity, path, moved, chained }: ColdDisk,
  options: CallOptions,
): Promise<{ file?: ImageFile; findings: MigrationFinding[] }> {
  const about = (problem: string, remedy: string) => ({ findings: [blocks('source', identity, problem, remedy)] });
  const byHand = 'Bring it there by other means, and name it in shared';
  if (!isFile(path) || !isFile(moved))
    return about(`${path ?? 'its drive'} is not a file on both hosts, and only files are copied`, byHand);
  const file = await imageFile(source, path, options).catch((error: unknown) => {
    if (isLibvirt(error, 'VIR_ERR_NO_STORAGE_VOL') || isLibvirt(error, 'VIR_ERR_SYSTEM_ERROR')) return undefined;
    if (isLibvirt(error, 'VIR_ERR_NO_SUPPORT')) return 'no pools' as const;
    throw error;
  });
  if (file === 'no pools') return about('libvirt at the source has no storage pools to read it by', byHand);
  if (!file) return about(`${path} is not there`, 'Bring its image back, or detach the disk');
  const { backing } = file;
  // Its header names the image below it, and goes along as it is.
  if (!chained && backing !== undefined && !(await imageFile(destination, backing, options).catch(() => undefined)))
    return {
      findings: [
        blocks(
          'destination',
          identity,
          `the image below it, ${backing}, is not there`,
          'Bring it there to the same path, or commit the chain into one image first',
        ),
      ],
    };
  return { file, findings: [] };
}

const isFile = (path: string | undefined): path is string =>
  path?.startsWith('/') === true && !path.startsWith('/dev/');
