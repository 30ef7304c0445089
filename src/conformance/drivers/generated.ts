import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KitDevice, KitDomain } from '../protocol.js';
import { diskXml, interfaceXml } from './device-xml.js';

/** What a manager that keeps its own record knows of a domain: what was asked for, and nothing that libvirt decided. */
export interface Domain extends KitDomain {
  /** MAC → whether its link is up, where somebody asked. */
  readonly links?: Readonly<Record<string, 'up' | 'down'>>;
}

/** The record of a manager: a file for each domain, in a folder that outlives its process. */
export class Records {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(name: string): Domain {
    const file = this.#file(name);
    if (!existsSync(file)) throw new Error(`there is no record of ${name}`);
    return JSON.parse(readFileSync(file, 'utf8'));
  }

  write(domain: Domain): void {
    writeFileSync(this.#file(domain.name), JSON.stringify(domain));
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

export function withDevice(domain: Domain, device: KitDevice): Domain {
  const without = withoutDevice(domain, device);
  return 'disk' in device
    ? { ...without, disks: [...without.disks, device.disk] }
    : { ...without, interfaces: [...without.interfaces, device.interface] };
}

export function withoutDevice(domain: Domain, device: KitDevice): Domain {
  return 'disk' in device
    ? { ...domain, disks: domain.disks.filter(({ id }) => id !== device.disk.id) }
    : { ...domain, interfaces: domain.interfaces.filter(({ id }) => id !== device.interface.id) };
}

/** A domain as generated from a record, device after device by kind, without an address: libvirt gives them in that order. */
export function generated(domain: Domain, { uuid }: { readonly uuid: boolean }): string {
  const { name, memoryMiB, vcpus, machine, ports, kernel, serials, disks, interfaces, links = {} } = domain;
  return [
    "<domain type='qemu'>",
    `<name>${name}</name>`,
    uuid ? `<uuid>${domain.uuid}</uuid>` : '',
    `<memory unit='MiB'>${memoryMiB}</memory><vcpu>${vcpus}</vcpu>`,
    `<os><type arch='x86_64' machine='${machine}'>hvm</type><kernel>${kernel.path}</kernel><initrd>${kernel.initrd}</initrd>`,
    `<cmdline>${kernel.cmdline}</cmdline></os>`,
    '<features><acpi/><apic/></features>',
    '<devices>',
    "<controller type='pci' index='0' model='pcie-root'/>",
    ...Array.from({ length: ports }, () => "<controller type='pci' model='pcie-root-port'/>"),
    "<controller type='usb' model='none'/>",
    ...disks.map(diskXml),
    ...interfaces.map((each) => interfaceXml(each).replace('</interface>', `${linkXml(links[each.mac])}</interface>`)),
    ...serials,
    '</devices></domain>',
  ].join('\n');
}

const linkXml = (state: 'up' | 'down' | undefined) => (state === undefined ? '' : `<link state='${state}'/>`);
