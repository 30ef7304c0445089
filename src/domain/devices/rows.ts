import type { NormalizationRule, SupportRow, Where } from './kind.js';

type Action = SupportRow['action'];
type RowScope = SupportRow['scope'];

/** A row for what libvirt can do. */
export function can(
  action: Action,
  scope: RowScope,
  source: string,
  only: { where?: Where; since?: string } = {},
): SupportRow {
  return { action, scope, supported: true, source, ...only };
}

/** A row for what libvirt cannot do, and why. */
export function cannot(action: Action, scope: RowScope, reason: string, source: string, where?: Where): SupportRow {
  return { action, scope, supported: false, reason, source, ...(where === undefined ? {} : { where }) };
}

/** Attach and detach in the canonical document, of which qemuDomainAttachDeviceConfig and its sibling know the kind. */
export const CONFIG: readonly SupportRow[] = [
  can('attach', 'config', 'qemuDomainAttachDeviceConfig'),
  can('detach', 'config', 'qemuDomainDetachDeviceConfig'),
];

/** No call adds or removes a device of the kind: it is in the definition or not. */
export function defineOnly(plural: string): readonly SupportRow[] {
  const reason = `libvirt has no hot-plug of ${plural}`;
  const never = `libvirt cannot add or remove ${plural} after the definition`;
  return [
    cannot('attach', 'live', reason, 'qemuDomainAttachDeviceLive'),
    cannot('attach', 'config', never, 'qemuDomainAttachDeviceConfig'),
    cannot('detach', 'live', reason, 'qemuDomainDetachDeviceLive'),
    cannot('detach', 'config', never, 'qemuDomainDetachDeviceConfig'),
  ];
}

/**
 * Rows for parts that libvirt reads only under a condition, or nowhere. Elsewhere it drops them without a word, and what it
 * has there is its own.
 */
export function unread(
  source: string,
  paths: ReadonlyArray<string | RegExp>,
  ...unless: readonly Where[]
): NormalizationRule[] {
  return paths.map((path) => ({ path, unless, there: 'any', source }));
}

/** Rows for values that are what libvirt does anyway: it does not write them. */
export function defaultValue(source: string, values: Readonly<Record<string, RegExp>>): NormalizationRule[] {
  return Object.entries(values).map(([path, asked]) => ({ path, asked, there: 'nothing', source }));
}

/** What libvirt makes of parts that many kinds have. */
export const DEVICE_NORMAL: readonly NormalizationRule[] = [
  ...unread('virDomainDeviceInfoFormat: zPCI is for s390', [/^address\/zpci/], { 'address/@type': ['ccw'] }),
];

/** Kinds that update-device does not know. */
export const NO_UPDATE = { updateConfig: false, updates: [], identity: [] } as const;

/** A number as libvirt writes it: `01` is 1. Anything else stays as it is. */
export const plainNumber = (text: string | undefined): string | undefined =>
  text !== undefined && /^\d+$/.test(text) ? String(Number(text)) : text;
