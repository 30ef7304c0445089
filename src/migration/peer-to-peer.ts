import { callMigration } from '../connection/migration-permit.js';
import type { Run } from './run-context.js';
import { watched } from './send.js';

/**
 * One call: the source's daemon reaches the destination's and makes the five itself. Nothing can be proved before the source
 * is let go, and an answer that is lost between the daemons can leave two running guests; settling looks for that.
 */
export async function peerToPeer(run: Run): Promise<void> {
  const { own, reader, request, prepared, audience } = run;
  audience.phase('sending');
  await watched(run, async () => {
    const args = {
      dom: reader.handle,
      dconnuri: request.destinationUri as string,
      params: prepared.params.list(),
      cookie_in: new Uint8Array(),
      flags: prepared.flags,
    };
    await callMigration(own.source, 'DOMAIN_MIGRATE_PERFORM3_PARAMS', args, { timeout: 0 });
  });
}
