import { attribute, childrenOf, tag } from '../../src/conformance/parts.js';
import { tokens } from './tokens.js';

export { machineOf } from '../../src/conformance/parts.js';

/** What may not change of a device that nobody asked to change. */
export interface Place {
  readonly address: string;
  readonly mac: string;
  readonly target: string;
  readonly alias: string;
}

/**
 * Device → place of a domain document, by a reading of its own that shares no code with the library. A device is named
 * by its user alias, else by what is natural to its kind, else by its address.
 */
export function identityMap(xml: string): Map<string, Place> {
  const map = new Map<string, Place>();
  for (const part of childrenOf(tokens(xml), 'devices')) {
    const place = {
      address: tag(part, 'address').join(' '),
      mac: attribute(part, 'mac', 'address'),
      target: attribute(part, 'target', 'dev').replace(/^(vnet|tap|macvtap)\d+$/, ''),
      alias: attribute(part, 'alias', 'name').replace(/^(?!ua-).*/, ''),
    };
    const [, element = '', ...own] = part[0] ?? [];
    if (element === 'emulator') continue;
    const natural = place.mac || place.target || own.filter((each) => /^(type|index|bus|model)=/.test(each)).join(' ');
    const name = `${element} ${place.alias || natural || place.address}`;
    let unique = name;
    for (let n = 2; map.has(unique); n++) unique = `${name} #${n}`;
    map.set(unique, place);
  }
  return map;
}
