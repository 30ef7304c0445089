import { type DomainDocument, unknownTo } from '../domain/index.js';
import { child, type Element, select, valueAt } from '../xml/index.js';
import type { HostFinding } from './finding.js';

/** A value of a device that the host's QEMU must have: where it stands, and where domain capabilities list what there is. */
interface OfferRow {
  readonly kind: string;
  readonly path: string;
  /** Element below `<devices>` of the domain capabilities, and the name of its `<enum>`. */
  readonly in: string;
  readonly enum: string;
  /** Values that no list has, though any host takes them. */
  readonly always?: readonly string[];
}

const OFFERS: readonly OfferRow[] = [
  { kind: 'disk', path: '@device', in: 'disk', enum: 'diskDevice' },
  { kind: 'disk', path: 'target/@bus', in: 'disk', enum: 'bus', always: ['ide', 'sd'] },
  { kind: 'disk', path: '@model', in: 'disk', enum: 'model' },
  { kind: 'graphics', path: '@type', in: 'graphics', enum: 'type' },
  { kind: 'video', path: 'model/@type', in: 'video', enum: 'modelType' },
  { kind: 'hostdev', path: '@mode', in: 'hostdev', enum: 'mode' },
  { kind: 'rng', path: 'model', in: 'rng', enum: 'model' },
  { kind: 'rng', path: '@model', in: 'rng', enum: 'model' },
  { kind: 'rng', path: 'backend/@model', in: 'rng', enum: 'backendModel' },
  { kind: 'filesystem', path: 'driver/@type', in: 'filesystem', enum: 'driverType', always: ['loop', 'nbd', 'ploop'] },
  { kind: 'tpm', path: '@model', in: 'tpm', enum: 'model' },
  { kind: 'tpm', path: 'backend/@type', in: 'tpm', enum: 'backendModel' },
  { kind: 'redirdev', path: '@bus', in: 'redirdev', enum: 'bus' },
  { kind: 'crypto', path: '@model', in: 'crypto', enum: 'model' },
  { kind: 'panic', path: '@model', in: 'panic', enum: 'model' },
  { kind: 'interface', path: 'backend/@type', in: 'interface', enum: 'backendType' },
];

/** Models of devices that the host's QEMU does not have. What its libvirt does not list is left to the start. */
export function checkDevices({ devices }: DomainDocument, capabilities: Element): HostFinding[] {
  const offered = child(capabilities, 'devices');
  if (!offered) return [];
  return devices.flatMap(({ kind, identity, leaves }) =>
    OFFERS.flatMap((row): HostFinding[] => {
      const value = row.kind === kind.element ? leaves.get(row.path) : undefined;
      if (value === undefined || row.always?.includes(value)) return [];
      const element = child(offered, row.in);
      const list = element && select(element, 'enum').find((each) => each.getAttribute('name') === row.enum);
      // A host that has none at all may list nothing.
      if (!element || (!list && valueAt(element, '@supported') !== 'no')) return [];
      if (list && select(list, 'value').some((each) => each.textContent === value)) return [];
      return [
        {
          severity: 'blocks',
          subject: identity,
          problem: `this host has no ${kind.element} with ${row.path} ${value}`,
          remedy: 'Install what its QEMU lacks, often a package of modules, or take the device out',
        },
      ];
    }),
  );
}

/** Devices of the machine that this libvirt does not know, as one does that is newer. */
export function checkUnlisted(document: DomainDocument, libvirt: string): HostFinding[] {
  return unknownTo(document, libvirt).map(({ device, equivalentWithout, reason }) => ({
    severity: equivalentWithout ? 'benign' : 'blocks',
    subject: device.identity,
    problem: `libvirt ${libvirt} does not know it: ${reason}`,
    remedy: equivalentWithout
      ? 'Import leaves it out of the document'
      : 'Run it under a newer libvirt, or give it the usual action',
  }));
}
