/** docs/releases.md: promise by release. */
import { PROMISES } from './promises.js';

export interface Release {
  readonly suite: string;
  /** Why it could not be had. */
  readonly absent?: string;
  readonly versions?: { readonly libvirt: string; readonly QEMU: string };
  /** By the promise's name: `kept`, or what was seen instead. */
  readonly kept?: ReadonlyMap<string, string>;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function releasesTable(releases: readonly Release[]): string {
  const had = releases.filter(({ kept }) => kept);
  const head = ['promise', ...had.map(({ suite, versions }) => headOf(suite, versions))];
  const rows = PROMISES.map(({ name, about }) => [
    `**${name}**: ${about}`,
    ...had.map(({ kept }) => kept?.get(name) ?? '–'),
  ]);
  const line = (row: readonly string[]) => `| ${row.map(cell).join(' | ')} |`;
  const absent = releases.flatMap(({ suite, absent: why }) => (why ? [`\n${suite} could not be had: ${why}`] : []));
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ...absent].join('\n');
}

const headOf = (suite: string, versions: Release['versions']): string =>
  versions ? `${suite}: libvirt ${versions.libvirt}, QEMU ${versions.QEMU}` : suite;

export function releasesPage(releases: readonly Release[]): string {
  return `<!-- Written by \`npm run releases -- --write\`: change what it says by running it again. -->
# Releases

What is promised, on the libvirt and QEMU of each Debian release, from that release's packages. \`npm run releases\` fetches them
into a folder of the cache and tries each promise on private hosts, with a guest that runs under emulation; as root. A scenario of the
[conformance kit](conformance.md) counts as kept when three witnesses saw nothing move; the first promises are held to one define on the
wire, too. What each kind of device can do is in the [support matrix](support-matrix.md).

${releasesTable(releases)}
`;
}
