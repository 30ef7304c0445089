/**
 * The evacuation room: a domain as one JSON bundle, its definition on another host as the same machine, and the search for
 * the host where it runs.
 */
export { type BundleDisk, type BundleFile, type DomainBundle, type LeftOutSecret, parseBundle } from './bundle.js';
export { nvramPath, type StateOptions, tpmFolder } from './bundle-files.js';
export { type ExportOptions, exportDomain } from './export.js';
export type { BundleProgress } from './export-disks.js';
export {
  type AskedHost,
  type ElsewhereOptions,
  type FindRunningOptions,
  findRunning,
  RunningElsewhereError,
  type SeenDomain,
  type WhereRunning,
} from './find-running.js';
export { checkForeign, checkImport, type ImportOptions, ImportRefusedError, importDomain } from './import.js';
