/** Changes one domain in a process of its own that is killed after the first operation: `apply-child URIS INPUT REQUEST`. */
import { type ApplyInput, Fleet } from '../../src/fleet/index.js';
import type { ChangeRequest } from '../../src/index.js';

const [hosts, input, request] = process.argv.slice(2, 5).map((text) => JSON.parse(text)) as [
  Record<string, string>,
  ApplyInput,
  ChangeRequest,
];
await using fleet = await Fleet.open({ hosts, timeout: 60_000 });
await fleet.steps.apply(input, {
  request,
  onProgress: (progress) => {
    if ((progress as { state?: string }).state === 'done') process.kill(process.pid, 'SIGKILL');
  },
});
