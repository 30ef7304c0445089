import {
  type Device,
  type DomainDocument,
  type ObservedDomain,
  SETTINGS,
  type Setting,
  type SettingsRequest,
} from '../domain/index.js';
import { under } from '../xml/index.js';
import type { Draft } from './draft.js';
import type { Pair } from './match.js';
import { isOfRunningGuest } from './running-guest.js';
import { withVcpuUnplug } from './vcpu-unplug.js';

/** Plans settings in the order of the table; `where` is the path of the request before their names. Returns those that are as asked. */
export function planSettings(draft: Draft, settings: SettingsRequest, where: string): string[] {
  const asAsked: string[] = [];
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const value = settings[name as keyof SettingsRequest];
    if (value === undefined) continue;
    const path = `${where}${name}`;
    if (!draft.context.persistent) {
      draft.refuse(name, path, 'the domain is transient and has no canonical document', 'Define it');
      continue;
    }
    const { operations, refusals } = (setting as Setting<unknown>).plan(value, draft.context, path, settings);
    draft.operations.push(...operations.flatMap((each) => withVcpuUnplug(each, draft)));
    draft.refusals.push(...refusals);
    if (operations.length === 0 && refusals.length === 0) asAsked.push(name);
  }
  return asAsked;
}

/** What a document says that a setting can bring about, where either document says otherwise. */
export function settingsOf(document: DomainDocument, { canonical, live }: ObservedDomain): SettingsRequest {
  const running = isOfRunningGuest(document);
  const entries = Object.entries(SETTINGS).flatMap(([name, setting]) => {
    const value =
      running && setting.readRunning
        ? setting.readRunning(document, canonical)
        : setting.readTowards
          ? setting.readTowards(document, canonical)
          : setting.read?.(document);
    const stands = (side: DomainDocument | undefined) => !side || textOf(setting.read?.(side)) === textOf(value);
    return value === undefined || (stands(canonical) && stands(live)) ? [] : [[name, value]];
  });
  return Object.fromEntries(entries) as SettingsRequest;
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? '';
}

/** Settings that change a part of a device, by its kind. */
const OF_DEVICES = Object.entries<Setting<never>>(SETTINGS as unknown as Record<string, Setting<never>>).flatMap(
  ([name, { ofDevice }]) => (ofDevice ? [{ name, ...ofDevice }] : []),
);

/** True for a part of a device that a setting changes instead of an update. */
export function bySetting({ kind }: Device, path: string): boolean {
  return OF_DEVICES.some((each) => each.kind === kind.element && under(path, each.path));
}

/** With what is asked of such parts of devices that are there. */
export function withDevices(settings: SettingsRequest, pairs: readonly Pair[]): SettingsRequest {
  const all: Record<string, unknown> = { ...settings };
  for (const { desired, found } of pairs)
    for (const { name, kind, read } of found ? OF_DEVICES : []) {
      const value = found && kind === found.kind.element ? read(desired, found) : undefined;
      if (value === undefined) continue;
      all[name] = typeof value === 'object' ? { ...(all[name] as object | undefined), ...(value as object) } : value;
    }
  return all;
}
