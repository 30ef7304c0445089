import type { DeviceSpecs } from '../../../src/index.js';
import type { KindCase } from '../case.js';

/** A display is in the definition or not at all, so what is attached is there already and only its updates are real. */
const display = (title: string, spec: DeviceSpecs['graphics'], updates: KindCase['updates']): KindCase => ({
  kind: 'graphics',
  title,
  host: 'session',
  domain: { devices: [{ graphics: spec }] },
  device: () => ({ graphics: spec }),
  ...(updates ? { updates } : {}),
});
const secrets = [
  { set: { passwd: 'first' } },
  { set: { passwd: 'second', passwdValidTo: '2099-12-31T23:59:59' } },
  { set: { passwdValidTo: null } },
  { set: { passwd: 'third', connected: 'keep' } },
] as const;

export const cases: readonly KindCase[] = [
  display('vnc', { type: 'vnc', autoport: true, passwd: 'zeroth' }, [
    ...secrets,
    { set: { passwd: null, passwdValidTo: null, connected: null } },
    { set: { sharePolicy: 'ignore' } },
    { set: { powerControl: true } },
    { set: { keymap: 'de' } },
    { set: { listen: '127.0.0.1' } },
    { set: { port: 5987 } },
    { set: { websocket: 5988 } },
  ]),
  display('vnc at a port of one’s own', { type: 'vnc', port: 5986, listen: '127.0.0.1', passwd: 'zeroth' }, [
    ...secrets,
    { set: { socket: 'auto' } },
  ]),
  display('vnc in a socket', { type: 'vnc', socket: 'auto', passwd: 'zeroth' }, secrets),
  display('vnc without a password', { type: 'vnc', autoport: true }, [secrets[0]]),
  display('spice', { type: 'spice', autoport: true, passwd: 'zeroth' }, [
    ...secrets,
    { set: { connected: 'disconnect' } },
    { set: { spice: { image: 'off', jpeg: 'never', streaming: 'off' } } },
    { set: { spice: { mouse: 'client', copypaste: false } } },
    { set: { spice: { defaultMode: 'insecure' } } },
  ]),
  ...(['sdl', 'egl-headless', 'dbus', 'rdp', 'desktop'] as const).map(
    (type): KindCase => ({
      kind: 'graphics',
      title: type,
      host: 'none',
      why: 'needs a display of the host, or a QEMU that has it',
      device: () => ({ graphics: { type } }),
    }),
  ),
];
