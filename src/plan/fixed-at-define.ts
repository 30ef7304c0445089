import {
  DOMAIN_NORMAL,
  DOMAIN_RUNNING,
  type DomainDocument,
  type DomainSpec,
  defineOnlyRow,
  domainLeaves,
  firmwareDifferences,
  isSecret,
  keyedLeaves,
  kibOf,
  normalize,
  SETTINGS,
  type Setting,
  saidParts,
  sameAt,
  uuidOf,
} from '../domain/index.js';
import { leaves, under } from '../xml/index.js';
import type { Draft } from './draft.js';
import { isOfRunningGuest } from './running-guest.js';

/** Machine types that have another name once libvirt has pinned them to the newest version it has. */
const MACHINE_ALIASES: Readonly<Record<string, string>> = {
  q35: 'pc-q35',
  pc: 'pc-i440fx',
  's390-ccw': 's390-ccw-virtio',
};

const FIXED = 'It is fixed when a domain is defined; leave it out of the desired state';

/** Refuses what a desired state says of the domain outside its devices and settings, where no call can bring it about. */
export function refuseFixedParts(
  draft: Draft,
  document: DomainDocument | undefined,
  spec: DomainSpec | undefined,
): void {
  const { canonical } = draft.context;
  const wanted = document ? domainLeaves(document) : new Map(spec ? leavesOf(spec) : []);
  const there = valuesOf(keyedLeaves(new Map([...domainLeaves(canonical), ...amongDevices(canonical)])));
  for (const { path, asked, there: from } of spec?.firmware
    ? firmwareDifferences(spec.firmware, domainLeaves(canonical))
    : [])
    draft.refuse('domain', path, `it is ${from} and no call makes it ${asked}`, FIXED);
  const keyed = keyedLeaves(wanted);
  const rows = document && isOfRunningGuest(document) ? [...DOMAIN_NORMAL, ...DOMAIN_RUNNING] : DOMAIN_NORMAL;
  const asked = normalize(valuesOf(keyed), there, rows);
  for (const [key, { path, value }] of keyed) {
    if (!asked.has(key) || readBySetting(path) || agrees(key, asked, there, canonical)) continue;
    const hidden = isSecret('domain', path);
    const from = hidden ? 'another one' : (there.get(key) ?? 'nothing');
    const setting = defineOnlyRow(path) ? undefined : settingOf(path);
    draft.refuse(
      'domain',
      path,
      setting
        ? `it is ${from}; a whole desired state does not reach it`
        : `it is ${from} and no call makes it ${hidden ? 'what is asked' : value === '' ? 'there' : value}`,
      setting ? `Ask for it by plan({ set: { ${setting}: … } })` : FIXED,
    );
  }
}

/** Parts of the definition that stand among the devices. */
function amongDevices({ root }: DomainDocument): Array<[string, string]> {
  return [...leaves(root)].filter(([path]) => /^devices\/(emulator|redirfilter\/)/.test(path));
}

/** The setting that changes a path, for those that a document cannot ask for yet. */
function settingOf(path: string): string | undefined {
  return Object.entries(SETTINGS).find(([, setting]) => setting.paths.some((each) => under(path, each)))?.[0];
}

function valuesOf(keyed: ReturnType<typeof keyedLeaves>): Map<string, string> {
  return new Map([...keyed].map(([key, { value }]) => [key, value]));
}

/** What a spec says outside its devices and settings; defaults that the caller did not write are no wish. */
function leavesOf(spec: DomainSpec): Array<readonly [string, string]> {
  const { hotplug, kernel } = spec;
  const modules = hotplug?.memory;
  const said: Array<[string, string | undefined]> = [
    ['name', spec.name],
    ['uuid', spec.uuid === undefined ? undefined : uuidOf(spec.uuid, 'uuid')],
    ['@type', spec.type],
    ['os/type/@arch', spec.arch],
    ['os/type/@machine', spec.machine],
    ['os/kernel', kernel?.path],
    ['os/initrd', kernel?.initrd],
    ['os/cmdline', kernel?.cmdline],
    ['os/dtb', kernel?.dtb],
    ['os/shim', kernel?.shim],
    ['devices/emulator', spec.emulator],
    ['maxMemory', modules && String(kibOf(modules.upTo, 'hotplug.memory.upTo'))],
    ['maxMemory/@slots', modules?.slots?.toString()],
  ];
  return [...said.filter((each): each is [string, string] => each[1] !== undefined), ...saidParts(spec)];
}

function readBySetting(path: string): boolean {
  // Parts of its element can be fixed at define all the same.
  if (defineOnlyRow(path)) return false;
  return Object.values<Setting<never>>(SETTINGS as unknown as Record<string, Setting<never>>).some(
    (setting) => setting.read !== undefined && setting.paths.some((each) => under(path, each)),
  );
}

function agrees(
  path: string,
  asked: ReadonlyMap<string, string>,
  there: ReadonlyMap<string, string>,
  canonical: DomainDocument,
): boolean {
  if (sameAt(path, asked, there)) return true;
  const [wanted = '', stands] = [asked.get(path), there.get(path)];
  // An element that says no more than that it is there is there with whatever libvirt put into it.
  if (wanted.trim() === '') return [...there.keys()].some((each) => under(each, path));
  // host-model was expanded and pinned at define: the domain has what was asked for.
  if (path === 'cpu/@mode' && wanted === 'host-model')
    return stands === undefined || canonical.value('cpu/model') !== undefined;
  return (
    path === 'os/type/@machine' &&
    stands !== undefined &&
    stands.replace(/-[\d.]+$/, '') === (MACHINE_ALIASES[wanted] ?? wanted)
  );
}
