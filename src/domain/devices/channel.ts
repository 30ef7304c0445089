import { under } from '../../xml/index.js';
import { specInvalid } from '../values.js';
import {
  CHR_SOURCES,
  type ChrSourceSpec,
  checkChrSource,
  chrLiveOnly,
  chrNormal,
  chrSourceFields,
  coldSources,
} from './chr-source.js';
import { constant, deviceFields, flag, integer, oneOf, text, whole } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, NO_UPDATE } from './rows.js';

/** A private channel between guest and host. libvirt: `<channel>`. */
export interface ChannelSpec extends DeviceSpecBase, ChrSourceSpec {
  /** Name of the port in the guest, as in `/dev/virtio-ports/<name>`: `org.qemu.guest_agent.0`. */
  readonly name?: string | undefined;
  /** Instead of a port of its own: an address in QEMU's user-mode network that leads to the source. */
  readonly guestfwd?: { readonly address: string; readonly port: number } | undefined;
  /** The SPICE agent's channel. */
  readonly spicevmc?: true | undefined;
  /** QEMU's own SPICE agent: shares the clipboard and the mouse without SPICE. Since libvirt 8.4.0. */
  readonly qemuVdagent?:
    | { readonly clipboard?: boolean | undefined; readonly mouse?: 'server' | 'client' | undefined }
    | undefined;
  /** A D-Bus channel of this name. Since libvirt 8.4.0. */
  readonly dbus?: string | undefined;
}

const SOURCES = [...CHR_SOURCES, 'spicevmc', 'qemuVdagent', 'dbus'] as const;

/** A socket that libvirt chooses the path of, when none is given. */
const OWN_SOCKET = { '@type': ['unix'], 'target/@type': ['virtio'] };

/** A channel is known by its name. With `unix: {}` libvirt listens on a socket of its own, which the live document shows. */
export const channel: DeviceKind<ChannelSpec> = {
  element: 'channel',
  fields: {
    ...deviceFields,
    ...chrSourceFields(),
    spicevmc: constant(['@type', 'spicevmc'], 'Leave it out to have another source'),
    qemuVdagent: whole(
      { clipboard: flag('source/clipboard/@copypaste'), mouse: oneOf('source/mouse/@mode', ['server', 'client']) },
      { alongside: [['@type', 'qemu-vdagent']] },
    ),
    dbus: text('source/@channel', { alongside: ['@type', 'dbus'] }),
    name: text('target/@name', { alongside: ['target/@type', 'virtio'] }),
    guestfwd: whole(
      { address: text('target/@address'), port: integer('target/@port', { min: 1, max: 65535 }) },
      { alongside: [['target/@type', 'guestfwd']], required: ['address', 'port'] },
    ),
  },
  exclusive: [SOURCES, ['name', 'guestfwd']],
  defaults: [['target/@type', 'virtio']],
  check(leaves, where) {
    const virtio = leaves.get('target/@type') === 'virtio';
    const auto = virtio && leaves.get('@type') === 'unix' && !leaves.has('source/@path');
    for (const field of ['mode', 'reconnect'])
      if (
        auto &&
        [...leaves.keys()].some((leaf) => under(leaf, field === 'mode' ? 'source/@mode' : 'source/reconnect'))
      )
        throw specInvalid(`${where}.unix.${field}`, 'goes with a path only', 'On a socket of its own libvirt listens');
    checkChrSource(leaves, where, { autoPath: virtio && leaves.has('target/@name'), sources: SOURCES });
    if (virtio && !leaves.has('target/@name') && leaves.get('@type') !== 'spicevmc') {
      throw specInvalid(
        `${where}.name`,
        'is missing',
        'Only the SPICE agent has a name by default, com.redhat.spice.0',
      );
    }
  },
  names: (leaves) => [
    leaves.get('target/@name'),
    leaves.get('target/@type') === 'guestfwd' ? `${leaves.get('target/@address')}:${leaves.get('target/@port')}` : '',
  ],
  unique: { 'target/@name': 'channel name' },
  support: [
    coldSources(),
    can('attach', 'live', 'qemuDomainAttachChrDevice'),
    can('detach', 'live', 'qemuDomainDetachDeviceChr'),
    ...CONFIG,
  ],
  requires: [
    {
      scope: 'live',
      where: { 'target/@type': ['virtio', ''] },
      domain: 'devices/controller[@type="virtio-serial"]',
      reason: 'the running guest has no virtio-serial controller',
      remedy: "Ask for scope: 'config': libvirt adds the controller with the channel, at the next cold boot",
      source: 'virDomainVirtioSerialAddrAutoAssign',
    },
  ],
  ...NO_UPDATE,
  abi: ['target/@type', 'target/@name', 'target/@address', 'target/@port'],
  liveOnly: [
    ...chrLiveOnly(),
    { path: 'target/@state' },
    // qemuDomainChrDefDropDefaultPath: a socket that libvirt chose is not in the canonical document.
    { path: 'source/@path', where: { ...OWN_SOCKET, 'source/@mode': ['bind'] }, persistable: true },
    { path: 'source/@mode', where: { ...OWN_SOCKET, 'source/@mode': ['bind'] } },
  ],
  normal: [
    ...chrNormal(),
    {
      path: 'source/@path',
      where: { ...OWN_SOCKET, 'source/@mode': ['bind', ''] },
      asked: /\/channel\/(target\/)?([^/]+\/)?[^/]+$/,
      there: 'nothing',
      source: 'qemuDomainChrMatchDefaultPath',
    },
  ],
  bus: (leaves) => (leaves.get('target/@type') === 'guestfwd' ? undefined : { type: 'virtio-serial' }),
};
