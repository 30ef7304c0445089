/**
 * The story of https://lists.openstack.org/pipermail/openstack-dev/2016-September/104617.html on real guests: an instance
 * with root disk, config disk and memory balloon gets a volume while it runs, and is rebooted.
 */
import { writeFileSync } from 'node:fs';
import { runDemo } from './demo.js';

/** Milliseconds after which something hangs. */
const DEADLINE = 180_000;
/** `npm run demo -- FILE.svg` */
const PICTURE = process.argv[2] ?? 'build/moved.svg';

const interrupted = new AbortController();
// Once: a second Ctrl-C ends the process at once, and the private host is cleaned up all the same.
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
process.once('SIGTERM', () => interrupted.abort(new Error('terminated')));

try {
  process.exitCode = await runDemo(
    (text) => console.log(text),
    (svg) => {
      writeFileSync(PICTURE, svg);
      console.log(`The same as a picture: ${PICTURE}\n`);
    },
    AbortSignal.any([interrupted.signal, AbortSignal.timeout(DEADLINE)]),
  );
} catch (error) {
  if (interrupted.signal.aborted) {
    console.error('Interrupted; everything that was started is gone.');
    process.exitCode = 130;
  } else {
    console.error(error);
    process.exitCode = 1;
  }
}
