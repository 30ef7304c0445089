import { LibvirtCanonicalError } from '../../errors.js';
import { controller } from './controller.js';
import { type DiskSpec, disk } from './disk.js';
import { type InterfaceSpec, networkInterface } from './interface.js';
import type { DeviceKind } from './kind.js';
import { OTHERS } from './others.js';
import { xmlOnly } from './xml-only.js';

/** The spec type of every kind that has one, by element name. */
export interface DeviceSpecs {
  disk: DiskSpec;
  interface: InterfaceSpec;
}

/** Elements below `<devices>` that are no device and so cannot be attached or detached. */
export const NOT_A_DEVICE = ['emulator', 'redirfilter'] as const;

const KINDS: readonly DeviceKind[] = [
  disk as unknown as DeviceKind,
  networkInterface as unknown as DeviceKind,
  controller,
  ...OTHERS,
];

const byElement = new Map(KINDS.map((kind) => [kind.element, kind]));

/** Every kind of device that the library knows. */
export function deviceKinds(): readonly DeviceKind[] {
  return KINDS;
}

/** The kind with this element name; `DEVICE_KIND_UNKNOWN`, naming those there are, when there is none. */
export function kindOf(element: string, path?: string): DeviceKind {
  const kind = byElement.get(element);
  if (kind) return kind;
  throw new LibvirtCanonicalError('DEVICE_KIND_UNKNOWN', `there is no kind of device called "${element}"`, {
    ...(path === undefined ? {} : { path }),
    remedy: `Known: ${[...byElement.keys()].join(', ')}`,
  });
}

/** The kind with this element name, or one that keeps an unknown element as it stands. */
export function kindOrUnknown(element: string): DeviceKind {
  return byElement.get(element) ?? xmlOnly(element);
}

export { type DiskSpec, disk } from './disk.js';
export { type Assignment, decodeSpec, encodeSpec, type Field, type FieldTable, userAliasOf } from './fields.js';
export { type InterfaceSpec, networkInterface } from './interface.js';
export { applies, type BusDemand, type DeviceKind, type SupportRow, type UpdateRow } from './kind.js';
