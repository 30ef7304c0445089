import { connectEngine } from '../operations.js';
import { program, say, withFleet } from './session.js';
import { plain, table } from './show.js';

/** `hosts`, `where` and `doctor`. */
export function addHostCommands(): void {
  program
    .command('hosts')
    .description('what every host has, and which are silent')
    .action(() =>
      withFleet(async (fleet) => {
        const hosts = await fleet.hosts();
        const gib = (bytes: bigint) => `${(Number(bytes) / 2 ** 30).toFixed(1)} GiB`;
        say(
          hosts.map((host) => ({ ...host, ...(host.is === 'there' && { info: plainInfo(host.info) }) })),
          () =>
            table([
              ['HOST', 'IS', 'CPUS', 'MEMORY', 'AVAILABLE', 'LIBVIRT'],
              ...hosts.map((host) =>
                host.is === 'there'
                  ? [
                      host.name,
                      host.is,
                      String(host.info.cpu.count),
                      gib(host.info.memory.total),
                      gib(host.info.memory.available ?? host.info.memory.free),
                      host.info.versions.libvirt,
                    ]
                  : [host.name, host.is, '', '', '', host.why],
              ),
            ]),
        );
        if (hosts.some(({ is }) => is === 'silent')) process.exitCode = 1;
      }),
    );

  program
    .command('where <domain>')
    .description('asks all hosts for a domain, by name or UUID')
    .action((domain: string) =>
      withFleet(async (fleet) => {
        const where = await fleet.where(domain);
        say(where, () => plain(where.meaning));
        if (!['running', 'off', 'migrating'].includes(where.outcome)) process.exitCode = 1;
      }),
    );

  program
    .command('doctor')
    .description('what is wrong with each host and its domains, and with the store')
    .action(() =>
      withFleet(async (fleet, config) => {
        const findings: { host: string; finding: unknown; text: string }[] = [];
        for (const host of fleet.names)
          try {
            for (const finding of await (await fleet.manager(host)).doctor())
              findings.push({
                host,
                finding,
                text: String((finding as { problem?: string }).problem ?? JSON.stringify(finding)),
              });
          } catch (error) {
            findings.push({ host, finding: { error: (error as Error).message }, text: (error as Error).message });
          }
        try {
          const engine = await connectEngine({ store: config.store ?? 'embedded' });
          for (const { id, state, version } of await engine.operations())
            if (state === 'other-version' || state === 'broken')
              findings.push({
                host: 'store',
                finding: { id, state, version },
                text: `operation ${id} is ${state} (version ${version})`,
              });
          await engine.close();
        } catch (error) {
          findings.push({
            host: 'store',
            finding: { error: (error as Error).message },
            text: (error as Error).message,
          });
        }
        say(
          findings.map(({ host, finding }) => ({ host, finding })),
          () =>
            findings.length === 0
              ? 'nothing is wrong'
              : findings.map(({ host, text }) => plain(`${host}: ${text}`)).join('\n'),
        );
        if (findings.length > 0) process.exitCode = 1;
      }),
    );
}

const plainInfo = (info: unknown): unknown =>
  JSON.parse(JSON.stringify(info, (_key, value) => (typeof value === 'bigint' ? Number(value) : value)));
