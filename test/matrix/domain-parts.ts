import type { DeviceRequest } from '../../src/index.js';
import type { KindCase } from './case.js';

/** Conventional PCI devices need a bridge on a PCIe machine; libvirt would add one at the next cold boot only. */
export const bridge: NonNullable<KindCase['domain']> = {
  xml: (xml) => xml.replace('</devices>', "<controller type='pci' model='pcie-to-pci-bridge'/></devices>"),
};

export const virtioSerial: DeviceRequest = "<controller type='virtio-serial' index='0'/>";

/** Room for memory modules: `<maxMemory>`, and all the memory and CPUs that there are in one NUMA cell. */
export const memorySlots: NonNullable<KindCase['domain']> = {
  xml(xml) {
    const memory = /<memory unit="KiB">(\d+)</.exec(xml)?.[1] ?? '0';
    const cpus = Number(/<vcpu[^>]*>(\d+)</.exec(xml)?.[1] ?? 1);
    const cell = `<cell id='0' cpus='0-${cpus - 1}' memory='${memory}' unit='KiB'/>`;
    return xml
      .replace('<memory ', "<maxMemory slots='8' unit='GiB'>4</maxMemory><memory ")
      .replace('<devices>', `<cpu><numa>${cell}</numa></cpu><devices>`);
  },
};

/** A number of its own for each file and socket of a host. */
let files = 0;
export const fresh = (name: string) => `${name}-${++files}`;
