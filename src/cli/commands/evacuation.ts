import type { BundleProgress, HostFinding } from '../../index.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { parseInputs, readText, writeNew } from '../input.js';
import { shownText, table } from '../output.js';
import { bytesText } from '../progress.js';
import type { Session } from '../session.js';

/** `lvc export`: all that makes the machine, as JSON, to a file or to stdout. */
export async function exportDomain(
  session: Session,
  name: string,
  options: {
    readonly out?: string;
    readonly secrets?: 'include' | 'leave-out';
    readonly managedSave?: 'refuse' | 'without';
    readonly tpmFolder?: string;
    readonly disks?: string;
    readonly disk?: readonly string[];
  },
): Promise<Answer> {
  const { out, disks: folder, disk, ...rest } = options;
  if (disk && folder === undefined)
    throw new UsageError('--disk goes with --disks FOLDER, where its image is written to');
  const domain = await session.domain(name);
  const bundle = await domain.export({
    signal: session.signal,
    ...rest,
    ...(folder !== undefined && { folder, disks: disk ?? 'include', onProgress: tellImages(session) }),
  });
  session.progress.clear();
  const text = JSON.stringify(bundle, null, 2);
  if (out === undefined) return { result: bundle, text };
  await writeNew(out, `${text}\n`);
  return {
    result: { name: domain.name, file: out },
    text: bundle.disks
      ? `${domain.name} is written to ${out}, and ${bundle.disks.length} images to ${folder}.`
      : `${domain.name} is written to ${out}. Its disks are not in it.`,
  };
}

/** One line that is written over: which image, and how far all of them are. */
function tellImages({ progress }: Session): (told: BundleProgress) => void {
  return ({ image, done, total }) => progress.say(`${shownText(image)}  ${bytesText(done)} of ${bytesText(total)}`);
}

/** `lvc import`: the domain of a bundle, as the same machine. */
export async function importBundle(
  session: Session,
  file: string,
  options: {
    readonly host?: readonly string[];
    readonly unknownHosts?: 'refuse' | 'accept';
    readonly path?: readonly string[];
    readonly leftOutSecrets?: 'refuse' | 'without';
    readonly autostart?: boolean;
    readonly tpmFolder?: string;
    readonly disks?: string;
  },
): Promise<Answer> {
  const { host, path, autostart, disks: folder, ...rest } = options;
  const paths = path?.map((each) => each.split('='));
  if (paths?.some((each) => each.length !== 2))
    throw new UsageError('--path takes where it was and where it is: --path /images=/srv/images');
  const text = await readText(file);
  let findings: readonly HostFinding[] = [];
  const domain = await (await session.manager()).import(text, {
    signal: session.signal,
    ...rest,
    ...(host ? { hosts: host } : {}),
    ...(paths ? { paths: Object.fromEntries(paths) } : {}),
    ...(folder !== undefined && { folder, disks: 'include' as const, onProgress: tellImages(session) }),
    autostart: autostart ? 'restore' : 'leave-off',
    onFindings: (told) => {
      findings = told;
    },
  });
  session.progress.clear();
  const { name, uuid } = domain;
  const lines = findings.length === 0 ? [] : [findingsTable(findings)];
  return {
    result: { name, uuid, findings },
    text: [`${name} (${uuid}) is defined, the same machine.`, ...lines].join('\n'),
  };
}

/** `lvc host-check`: whether the host can run a domain, of its own, of a bundle or of domain XML. */
export async function hostCheck(
  session: Session,
  name: string | undefined,
  { file }: { readonly file?: string },
): Promise<Answer> {
  const { signal } = session;
  if ((name === undefined) === (file === undefined))
    throw new UsageError('Give a domain, or a bundle or domain XML with -f FILE');
  const manager = await session.manager();
  const findings =
    name === undefined
      ? await manager.hostCheck(await documentOf(file as string), { signal })
      : await (await manager.get(name, { signal })).hostCheck({ signal });
  const severe = (severity: HostFinding['severity']) => findings.some((finding) => finding.severity === severity);
  return {
    result: { findings },
    text: findings.length === 0 ? 'Nothing found: this host can run it.' : findingsTable(findings),
    exit: severe('blocks') ? EXIT.refused : severe('warns') || severe('unknown') ? EXIT.changes : EXIT.ok,
  };
}

async function documentOf(file: string) {
  const text = await readText(file);
  if (/^\s*</.test(text)) return text;
  const [input] = await parseInputs(text, file);
  const bundle = input?.kind === 'change' ? input.request : input?.desired;
  if (typeof bundle !== 'object' || !('document' in bundle))
    throw new UsageError(`${file} is neither a bundle nor domain XML`);
  return bundle as never;
}

function findingsTable(findings: readonly HostFinding[]): string {
  return table(
    ['', 'SUBJECT', 'PROBLEM', 'WHAT TO DO'],
    findings.map(({ severity, subject, problem, remedy }) => [severity, subject, problem, remedy].map(shownText)),
  );
}
