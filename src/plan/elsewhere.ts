import { type DomainDocument, type DomainSpec, domainLeaves, SETTINGS, type Setting, uuidOf } from '../domain/index.js';
import { under } from '../xml/index.js';
import type { Draft } from './draft.js';

/** Machine types that libvirt pins to the newest version it has when a domain is defined. */
const MACHINE_ALIASES: Readonly<Record<string, string>> = {
  q35: 'pc-q35-',
  pc: 'pc-i440fx-',
  virt: 'virt-',
  pseries: 'pseries-',
};

/** Refuses what a desired state says of the domain outside its devices and settings, where no call can bring it about. */
export function refuseElsewhere(
  draft: Draft,
  document: DomainDocument | undefined,
  spec: DomainSpec | undefined,
): void {
  const { canonical } = draft.context;
  const there = domainLeaves(canonical);
  const wanted = document ? [...domainLeaves(document)] : spec ? leavesOf(spec) : [];
  for (const [path, value] of wanted) {
    if (readBySetting(path) || agrees(path, value, there.get(path), canonical)) continue;
    const from = there.get(path) ?? 'nothing';
    draft.refuse(
      'domain',
      path,
      `it is ${from} and no call makes it ${value}`,
      'It is fixed when a domain is defined; leave it out of the desired state',
    );
  }
}

/** What a spec says outside its devices and settings; defaults that the caller did not write are no wish. */
function leavesOf(spec: DomainSpec): Array<[string, string]> {
  const { cpu, kernel } = spec;
  const model =
    typeof cpu === 'string' && !['host-model', 'host-passthrough', 'maximum'].includes(cpu) ? cpu : undefined;
  const said: Array<[string, string | undefined]> = [
    ['name', spec.name],
    ['uuid', spec.uuid === undefined ? undefined : uuidOf(spec.uuid, 'uuid')],
    ['@type', spec.type],
    ['os/type/@arch', spec.arch],
    ['os/type/@machine', spec.machine],
    ['os/kernel', kernel?.path],
    ['os/initrd', kernel?.initrd],
    ['os/cmdline', kernel?.cmdline],
    ['cpu/model', model],
  ];
  return said.filter((each): each is [string, string] => each[1] !== undefined);
}

function readBySetting(path: string): boolean {
  return Object.values<Setting<never>>(SETTINGS as unknown as Record<string, Setting<never>>).some(
    (setting) => setting.read !== undefined && setting.touches.some((each) => under(path, each)),
  );
}

function agrees(path: string, wanted: string, there: string | undefined, canonical: DomainDocument): boolean {
  if (there === undefined) {
    // host-model was expanded and pinned at define: the domain has what was asked for.
    return path === 'cpu/@mode' && wanted === 'host-model';
  }
  if (wanted.trim() === there.trim() || wanted.toLowerCase() === there.toLowerCase()) return true;
  if (path === 'os/type/@machine') return there.startsWith(MACHINE_ALIASES[wanted] ?? '\0');
  if (path === 'cpu/@mode') return wanted === 'host-model' && canonical.value('cpu/model') !== undefined;
  return wanted.trim() !== '' && there.trim() !== '' && Number(wanted) === Number(there);
}
