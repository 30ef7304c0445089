import { type Device, type DomainDocument, Topology } from '../domain/index.js';
import { select } from '../xml/index.js';
import { type Found, found } from './finding.js';

/** What the canonical document itself says. */
export function checkDocument(document: DomainDocument, live: DomainDocument | undefined): Found[] {
  return [...cpuUnpinned(document), ...ports(document, live), ...osBoot(document), ...document.devices.flatMap(cache)];
}

function cpuUnpinned(document: DomainDocument): Found[] {
  const mode = document.value('cpu/@mode') ?? 'custom';
  if (!['host-model', 'host-passthrough', 'maximum'].includes(mode)) return [];
  return [
    found(
      'cpu-unpinned',
      `its CPU is ${mode}, which each host fills in at each start`,
      'Pin it by name: abiUpgrade while it is off; pinCpu at define',
    ),
  ];
}

function ports(document: DomainDocument, live: DomainDocument | undefined): Found[] {
  if (!document.machine.includes('q35')) return [];
  const { total, free } = new Topology(document, live).capacity().pci;
  return free > 0
    ? []
    : [
        found(
          'pcie-ports-none',
          `all ${total} PCIe ports for hot-plug are taken`,
          'Add ports while it is off: attach controllers of model pcie-root-port; hotplug.pciePorts at define',
        ),
      ];
}

function osBoot(document: DomainDocument): Found[] {
  const kinds = select(document.root, 'os/boot').map((each) => each.getAttribute('dev'));
  if (kinds.length === 0) return [];
  return [
    found(
      'os-boot',
      `it boots by <os><boot>: ${kinds.join(', ')}`,
      'Define new domains with boot orders of their devices; this one keeps it for its life',
    ),
  ];
}

function cache({ kind, leaves, identity }: Device): Found[] {
  const mode = leaves.get('driver/@cache');
  if (kind.element !== 'disk' || mode === undefined || ['none', 'directsync', 'default'].includes(mode)) return [];
  if (leaves.has('readonly') || leaves.get('source/@protocol') === 'rbd') return [];
  return [
    found(
      'disk-cache-migration',
      `${identity} has the cache mode ${mode}`,
      'Update the disk to cache none or directsync; it takes effect at the next cold boot',
    ),
  ];
}
