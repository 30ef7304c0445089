import { constant, type Field, flag, integer, list, oneOf, seconds, text, uuid, whole } from './fields.js';
import { hostPci } from './references.js';

/** Where a network card is connected: exactly one of these. libvirt: `type=` of `<interface>` and its `<source>`. */
export interface InterfaceConnectionSpec {
  /** Name of a libvirt network. */
  readonly network?: string | undefined;
  /** Name of a host bridge, of Linux or (with `virtualport`) of Open vSwitch. */
  readonly bridge?: string | undefined;
  /** QEMU's own user-mode network, SLIRP or (with `backend`) passt: the only one an unprivileged session has. */
  readonly user?: true | undefined;
  /** A host interface directly (macvtap). Given whole. */
  readonly direct?:
    | {
        /** The host's interface. */
        readonly dev: string;
        readonly mode?: 'vepa' | 'bridge' | 'private' | 'passthrough' | undefined;
      }
    | undefined;
  /** A tap device alone; `target` names it, and with `targetManaged: false` one that is there already. */
  readonly ethernet?: true | undefined;
  /** A PCI network card of the host, handed to the guest. */
  readonly hostdev?:
    | {
        /** PCI address on the host, `'0000:06:00.0'`. */
        readonly host: string;
        /** libvirt takes the card from its host driver and gives it back after. */
        readonly managed?: boolean | undefined;
      }
    | undefined;
  /** A vhost-user switch, such as DPDK's. Needs shared guest memory. */
  readonly vhostUser?:
    | {
        /** Path of the UNIX socket. */
        readonly socket: string;
        /** QEMU connects to the socket (`client`) or listens on it (`server`). */
        readonly mode: 'client' | 'server';
        /** A client connects again after so many milliseconds (whole seconds). */
        readonly reconnect?: { readonly enabled: boolean; readonly timeout?: number | undefined } | undefined;
      }
    | undefined;
  /** Path of a vDPA device, `/dev/vhost-vdpa-0`. libvirt 6.9.0 */
  readonly vdpa?: string | undefined;
}

/** Port profile of a switch. libvirt: `<virtualport>`. */
export interface VirtualPortSpec {
  readonly type?: '802.1Qbg' | '802.1Qbh' | 'openvswitch' | 'midonet' | undefined;
  /** UUID of the port (openvswitch, midonet). */
  readonly interfaceId?: string | undefined;
  /** Name of the profile (openvswitch, 802.1Qbh). */
  readonly profileId?: string | undefined;
  /** 802.1Qbg */
  readonly managerId?: number | undefined;
  readonly typeId?: number | undefined;
  readonly typeIdVersion?: number | undefined;
  readonly instanceId?: string | undefined;
}

/** VLAN tags of the port. libvirt: `<vlan>`. */
export interface VlanSpec {
  /** More than one tag makes a trunk by itself. */
  readonly trunk?: boolean | undefined;
  readonly tags: ReadonlyArray<{
    /** 0 to 4095. */
    readonly id: number;
    /** Packets of this VLAN are the native ones (openvswitch). */
    readonly nativeMode?: 'tagged' | 'untagged' | undefined;
  }>;
}

type ConnectionFields = {
  readonly [K in keyof Required<InterfaceConnectionSpec>]: Field<NonNullable<InterfaceConnectionSpec[K]>>;
};

/** The alternatives of a connection, one field each. */
export const connectionFields: ConnectionFields = {
  network: text('source/@network', { alongside: ['@type', 'network'] }),
  bridge: text('source/@bridge', { alongside: ['@type', 'bridge'] }),
  user: constant(['@type', 'user'], 'Leave it out to connect otherwise'),
  direct: whole<NonNullable<InterfaceConnectionSpec['direct']>>(
    { dev: text('source/@dev'), mode: oneOf('source/@mode', ['vepa', 'bridge', 'private', 'passthrough']) },
    { alongside: [['@type', 'direct']], required: ['dev'] },
  ),
  ethernet: constant(['@type', 'ethernet'], 'Leave it out to connect otherwise'),
  hostdev: whole<NonNullable<InterfaceConnectionSpec['hostdev']>>(
    { host: hostPci('source/address', [['source/address/@type', 'pci']]), managed: flag('@managed') },
    { alongside: [['@type', 'hostdev']], required: ['host'] },
  ),
  vhostUser: whole<NonNullable<InterfaceConnectionSpec['vhostUser']>>(
    {
      socket: text('source/@path'),
      mode: oneOf('source/@mode', ['client', 'server']),
      reconnect: whole<{ readonly enabled: boolean; readonly timeout?: number }>(
        { enabled: flag('source/reconnect/@enabled'), timeout: seconds('source/reconnect/@timeout') },
        { required: ['enabled'] },
      ),
    },
    {
      alongside: [
        ['@type', 'vhostuser'],
        ['source/@type', 'unix'],
      ],
      required: ['socket', 'mode'],
    },
  ),
  vdpa: text('source/@dev', { alongside: ['@type', 'vdpa'] }),
};

/** Setting one replaces all of the port's profile. */
export const virtualPortField = whole<VirtualPortSpec>({
  type: oneOf('virtualport/@type', ['802.1Qbg', '802.1Qbh', 'openvswitch', 'midonet']),
  interfaceId: uuid('virtualport/parameters/@interfaceid'),
  profileId: text('virtualport/parameters/@profileid', { pattern: /^.{1,39}$/, expected: 'at most 39 characters' }),
  managerId: integer('virtualport/parameters/@managerid', { max: 255 }),
  typeId: integer('virtualport/parameters/@typeid', { max: 0xffffff }),
  typeIdVersion: integer('virtualport/parameters/@typeidversion', { max: 255 }),
  instanceId: uuid('virtualport/parameters/@instanceid'),
});

/** Setting one replaces all tags. */
export const vlanField = whole<VlanSpec>(
  {
    trunk: flag('vlan/@trunk'),
    tags: list('vlan/tag', {
      id: integer('@id', { max: 4095 }),
      nativeMode: oneOf('@nativeMode', ['tagged', 'untagged']),
    }),
  },
  { required: ['tags'] },
);
