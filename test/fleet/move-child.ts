/** Moves one domain in a process of its own, and says in which phase it is: `move-child URIS-JSON INPUT-JSON`. */
import { Fleet, type MoveInput } from '../../src/fleet/index.js';

const [hosts, input] = process.argv.slice(2, 4).map((text) => JSON.parse(text)) as [Record<string, string>, MoveInput];
await using fleet = await Fleet.open({ hosts, timeout: 60_000 });
const outcome = await fleet.steps.move(input, {
  onProgress: (progress) => {
    process.stdout.write(`${(progress as { phase: string }).phase}\n`);
  },
});
process.stdout.write(`${JSON.stringify(outcome)}\n`);
