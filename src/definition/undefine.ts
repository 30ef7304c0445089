import { assertNoUnsavedDefinition, type DomainAccess } from '../apply/index.js';
import {
  VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
  VIR_DOMAIN_UNDEFINE_KEEP_NVRAM,
  VIR_DOMAIN_UNDEFINE_MANAGED_SAVE,
  VIR_DOMAIN_UNDEFINE_NVRAM,
  VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
} from '../connection/index.js';
import { assertShutOff, stateError } from '../power/index.js';

/** What of the domain goes with it. */
export interface UndefineOptions {
  readonly signal?: AbortSignal | undefined;
  /** Remove (`true`) or keep (`false`) the UEFI variables; needed for a domain that has them. */
  readonly nvram?: boolean;
  /** Remove a managed-save image with it. Without it libvirt refuses when there is one. */
  readonly managedSave?: boolean;
  /** Remove the metadata of snapshots and checkpoints with it; the images stay. */
  readonly snapshotsMetadata?: boolean;
}

/** virDomainUndefineFlags, for a domain that is shut off. */
export async function undefine(
  reader: DomainAccess,
  { signal, nvram, managedSave, snapshotsMetadata }: UndefineOptions,
): Promise<void> {
  const { connection, handle: dom } = reader;
  const flags =
    (nvram === undefined ? 0 : nvram ? VIR_DOMAIN_UNDEFINE_NVRAM : VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) |
    (managedSave ? VIR_DOMAIN_UNDEFINE_MANAGED_SAVE : 0) |
    (snapshotsMetadata ? VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA : 0);
  // libvirt would undefine a running domain too, and leave it transient.
  await assertShutOff(reader, 'undefined', { signal });
  // It would go by the other document: by its UEFI variables, for one.
  await assertNoUnsavedDefinition(reader, { signal });
  await connection
    .call('DOMAIN_UNDEFINE_FLAGS', { dom, flags }, { signal })
    .catch((error: unknown) => Promise.reject(stateError(reader, 'be undefined', error)));
}
