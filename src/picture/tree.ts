import type { DomainTopology, TopologyBus, TopologyDevice, TopologyPort } from './form.js';
import type { When } from './words.js';

/** One box of the picture, with those to its right. */
export type TreeNode =
  | { readonly type: 'root'; readonly children: readonly TreeNode[] }
  | { readonly type: 'bus'; readonly bus: TopologyBus; readonly children: readonly TreeNode[] }
  /** PCI ports for one device each; several when all of them are free. */
  | { readonly type: 'port'; readonly ports: readonly TopologyDevice[]; readonly children: readonly TreeNode[] }
  | {
      readonly type: 'device';
      readonly device: TopologyDevice;
      readonly address: string;
      readonly when: When;
      readonly children: readonly TreeNode[];
    }
  | { readonly type: 'free'; readonly places: readonly TopologyPort[]; readonly children: readonly [] };

/** Models of controllers that are nothing but a port for one device. */
const PORTS = ['pcie-root-port', 'pcie-switch-downstream-port'];

/** Returns the buses of a topology as one tree: bus, port, device, and the bus that a device makes. */
export function treeOf({ buses, devices, domain }: DomainTopology): TreeNode {
  const byIdentity = new Map(devices.map((device) => [device.identity, device]));
  const byName = new Map(buses.map((bus) => [bus.name, bus]));
  const drawn = new Set<string>();

  const portsOf = (bus: TopologyBus): TreeNode[] => {
    // A document that puts a controller on its own bus is drawn as far as it goes.
    if (drawn.has(bus.name)) return [];
    drawn.add(bus.name);
    return joined(bus.ports.flatMap(portNodes));
  };
  const below = ({ makes }: TopologyDevice): TreeNode[] => {
    const bus = makes === undefined ? undefined : byName.get(makes);
    return bus ? portsOf(bus) : [];
  };
  const portNodes = (port: TopologyPort): TreeNode[] => {
    if (port.free) return [{ type: 'free', places: [port], children: [] }];
    const { canonical, live } = port;
    if (canonical === live || !domain.running) return deviceNodes(canonical ?? live, port, 'both');
    return [...deviceNodes(live, port, 'now'), ...deviceNodes(canonical, port, 'next')];
  };
  const deviceNodes = (identity: string | undefined, { address }: TopologyPort, when: When): TreeNode[] => {
    const device = byIdentity.get(identity ?? '');
    if (!device) return [];
    const { makes = '', atNextBoot } = device;
    const isPort = atNextBoot === 'stays' && PORTS.includes(byName.get(makes)?.model ?? '');
    if (isPort) return [{ type: 'port', ports: [device], children: below(device) }];
    // What moves is in two places; what sits on it is drawn where it is now.
    return [
      { type: 'device', device, address, when, children: when === 'next' && device.liveAddress ? [] : below(device) },
    ];
  };

  const roots = buses.filter(({ controller }) => {
    const maker = byIdentity.get(controller ?? '');
    return maker === undefined || (maker.address === undefined && maker.liveAddress === undefined);
  });
  const children = roots.map((bus): TreeNode => ({ type: 'bus', bus, children: portsOf(bus) }));
  return { type: 'root', children: children.filter((each) => each.children.length > 0) };
}

/** One box for neighbours that are free: places on a bus, and ports for one device. */
function joined(nodes: readonly TreeNode[]): TreeNode[] {
  const all: TreeNode[] = [];
  for (const node of nodes) {
    const last = all.at(-1);
    const both = last && together(last, node);
    if (both) all[all.length - 1] = both;
    else all.push(node);
  }
  return all;
}

function together(a: TreeNode, b: TreeNode): TreeNode | undefined {
  if (a.type === 'free' && b.type === 'free')
    return a.places[0]?.hotplug === b.places[0]?.hotplug ? { ...a, places: [...a.places, ...b.places] } : undefined;
  if (a.type !== 'port' || b.type !== 'port') return undefined;
  const [left, right] = [a.children[0], b.children[0]];
  if (a.children.length !== 1 || b.children.length !== 1 || !left || !right) return undefined;
  const free = together(left, right);
  return free?.type === 'free' ? { type: 'port', ports: [...a.ports, ...b.ports], children: [free] } : undefined;
}
