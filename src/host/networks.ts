import { type CallOptions, type Connection, LibvirtError, type NetworkHandle } from '../connection/index.js';
import { type Element, parseElement, select, valueAt } from '../xml/index.js';

/** An address of the host in a network. */
export interface NetworkAddress {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  /** As the network has it, a prefix or a mask; undefined when it has none. */
  readonly prefix: string | undefined;
  /** What libvirt's DHCP server hands out. */
  readonly dhcp: ReadonlyArray<{ readonly start: string; readonly end: string }>;
}

/** A virtual network of the host. */
export interface HostNetwork {
  readonly name: string;
  readonly uuid: string;
  readonly active: boolean;
  readonly persistent: boolean;
  /** Whether it starts with the host. */
  readonly autostart: boolean;
  /** `nat`, `route`, `bridge`, …; `isolated` for one that forwards nothing. */
  readonly forward: string;
  readonly bridge: string | undefined;
  readonly domain: string | undefined;
  readonly addresses: readonly NetworkAddress[];
}

/** Lists the virtual networks of a host, also those that are not active. virConnectListAllNetworks. */
export async function networksOf(connection: Connection, call: CallOptions = {}): Promise<HostNetwork[]> {
  const { nets } = await connection.call('CONNECT_LIST_ALL_NETWORKS', { need_results: 1, flags: 0 }, call);
  const read = await Promise.all(nets.map((net) => networkOf(connection, net, call)));
  return read.filter((each) => each !== undefined);
}

/** Undefined for a network that went since it was listed. */
async function networkOf(
  connection: Connection,
  net: NetworkHandle,
  call: CallOptions,
): Promise<HostNetwork | undefined> {
  try {
    const [{ xml }, { active }, { persistent }, { autostart }] = await Promise.all([
      connection.call('NETWORK_GET_XML_DESC', { net, flags: 0 }, call),
      connection.call('NETWORK_IS_ACTIVE', { net }, call),
      connection.call('NETWORK_IS_PERSISTENT', { net }, call),
      connection.call('NETWORK_GET_AUTOSTART', { net }, call),
    ]);
    const root = parseElement(xml);
    const forward = select(root, 'forward')[0];
    return {
      name: net.name,
      uuid: net.uuid,
      active: active === 1,
      persistent: persistent === 1,
      autostart: autostart === 1,
      forward: forward ? forward.getAttribute('mode') || 'nat' : 'isolated',
      bridge: valueAt(root, 'bridge/@name'),
      domain: valueAt(root, 'domain/@name'),
      addresses: select(root, 'ip').map(addressOf),
    };
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_NETWORK') return undefined;
    throw error;
  }
}

function addressOf(ip: Element): NetworkAddress {
  return {
    family: ip.getAttribute('family') === 'ipv6' ? 'ipv6' : 'ipv4',
    address: ip.getAttribute('address') ?? '',
    prefix: ip.getAttribute('prefix') || ip.getAttribute('netmask') || undefined,
    dhcp: select(ip, 'dhcp/range').map((range) => ({
      start: range.getAttribute('start') ?? '',
      end: range.getAttribute('end') ?? '',
    })),
  };
}
