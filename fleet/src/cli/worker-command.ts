import { openEngine } from '../engine.js';
import { loopback, servePage } from '../page/server.js';
import { bundlesOf, fencesOf, fleetOf, readConfig, requestsOf, upgradeOf } from './config.js';
import { globals, out, program, whole } from './session.js';
import { plain } from './show.js';

/** `worker`. */
export function addWorkerCommand(): void {
  program
    .command('worker')
    .description('works on operations until it is ended')
    .option('--name <name>', 'one of its own in the store')
    .option('--http <address>', 'a status page, read only, such as 127.0.0.1:8080')
    .option('--within <seconds>', 'that moves under way have when it is told to end', whole, 60)
    .action(
      async ({ name, http, within }: { readonly name?: string; readonly http?: string; readonly within: number }) => {
        if (http !== undefined) loopback(http);
        const config = readConfig(globals().config);
        const fleet = await fleetOf(config);
        const bundles = bundlesOf(config);
        const upgrade = upgradeOf(config);
        const log = (text: unknown) => void process.stderr.write(`${plain(String(text))}\n`);
        const engine = await openEngine({
          fleet,
          store: config.store ?? 'embedded',
          ...(name !== undefined && { worker: name }),
          ...(config.limits && { limits: config.limits }),
          ...(bundles && { bundles }),
          ...(upgrade && { upgrade }),
          ...(config.exports && { exports: config.exports }),
          ...(config.timeouts && { timeouts: config.timeouts }),
          fences: fencesOf(config),
          requests: requestsOf(config),
          log: { info: () => undefined, debug: () => undefined, warn: log, error: log },
        });
        const page = http === undefined ? undefined : await servePage(engine, http);
        out(`worker ${engine.worker} works${page ? `; ${page.url}` : ''}`);
        await new Promise<void>((resolve) => {
          for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
        });
        await page?.close();
        await engine.close({ within: within * 1_000 });
        await fleet.close();
        process.exit(0);
      },
    );
}
