import { performByDaemon } from './calls.js';
import type { Run } from './run-context.js';
import { watched } from './send.js';

/**
 * One call: the source's daemon reaches the destination's and makes the five itself. Nothing can be proved before the source
 * is let go, and an answer that is lost between the daemons can leave two running guests; settling looks for that.
 */
export async function peerToPeer(run: Run): Promise<void> {
  const { own, reader, request, prepared, audience } = run;
  const { params, flags } = prepared;
  audience.phase('sending');
  await watched(run, () => performByDaemon(own.source, reader.handle, request.destinationUri as string, params, flags));
}
