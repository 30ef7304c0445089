import { randomInt } from 'node:crypto';

/** Ports of one host's displays, of each kind. */
const EACH = 32;
/** Below the ports that the kernel hands out by itself (ip_local_port_range), above those of the machine's own libvirt. */
const FIRST = 10_000;
const BLOCKS = Math.floor((32_000 - FIRST) / (2 * EACH));

/**
 * Lines of qemu.conf that give a host without a network of its own ports of its own for VNC, SPICE and web sockets. Two
 * daemons that choose from the same ports at once choose the same one: each sees it free, and the second QEMU does not start.
 */
export function displayPorts(): string {
  const first = FIRST + 2 * EACH * randomInt(BLOCKS);
  const range = (key: string, from: number) => `${key}_port_min = ${from}\n${key}_port_max = ${from + EACH - 1}\n`;
  return range('remote_display', first) + range('remote_websocket', first + EACH);
}
