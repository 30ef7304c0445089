import type { DomainDocument } from '../domain/index.js';

/**
 * True for a document that describes a guest while it ran. libvirt numbers a live one; in a migratable one it leaves out the
 * number and, on a PC, the PS/2 keyboard beside the mouse that it lists (virDomainDefFormatInternalSetRootName,
 * virDomainInputDefFormat), and everything else is told.
 */
export function isOfRunningGuest(document: DomainDocument): boolean {
  return document.isLive || isMigratable(document);
}

function isMigratable(document: DomainDocument): boolean {
  const { devices, machine, uuid } = document;
  const isTold = /-\d+\.\d+/.test(machine) && uuid !== '' && document.value('devices/emulator') !== undefined;
  const ps2 = devices.filter(({ kind, leaves }) => kind.element === 'input' && leaves.get('@bus') === 'ps2');
  return isTold && ps2.length === 1 && ps2[0]?.leaves.get('@type') === 'mouse';
}
