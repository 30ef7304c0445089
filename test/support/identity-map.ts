import { type Token, tokens } from './tokens.js';

/** What may not change of a device that nobody asked to change. */
export interface Place {
  readonly address: string;
  readonly mac: string;
  readonly target: string;
  readonly alias: string;
}

/** One child of `<devices>` as its tokens, from its opening to its closing tag. */
type Part = readonly Token[];

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

/** What makes the machine the machine: UUID, machine type, CPU and firmware, as tokens. */
export function machineOf(xml: string): unknown {
  const all = tokens(xml).filter(([kind, text = '']) => kind !== 'text' || text.trim() !== '');
  const [type] = childrenOf(all, 'os').filter((part) => part[0]?.[1] === 'type');
  const firmware = childrenOf(all, 'os').filter((part) => ['loader', 'nvram', 'firmware'].includes(part[0]?.[1] ?? ''));
  return {
    uuid: childrenOf(all, 'domain').find((part) => part[0]?.[1] === 'uuid'),
    type,
    firmware,
    cpu: childrenOf(all, 'cpu'),
  };
}

/** The child elements of the first `element`, each as its tokens. */
function childrenOf(all: readonly Token[], element: string): Part[] {
  const start = all.findIndex(([kind, name]) => kind === 'open' && name === element);
  const parts: Part[] = [];
  let depth = 0;
  let from = -1;
  for (let at = start + 1; start >= 0 && at < all.length; at++) {
    const kind = all[at]?.[0];
    if (kind === 'open' && depth++ === 0) from = at;
    if (kind === 'close' && --depth < 0) break;
    if (kind === 'close' && depth === 0) parts.push(all.slice(from, at + 1));
  }
  return parts;
}

/** The attributes of the device's own child of that name. */
function tag(part: Part, name: string): readonly string[] {
  return (
    childrenOf(part, part[0]?.[1] ?? '')
      .find((child) => child[0]?.[1] === name)?.[0]
      ?.slice(2) ?? []
  );
}

function attribute(part: Part, name: string, key: string): string {
  return (
    tag(part, name)
      .find((each) => each.startsWith(`${key}=`))
      ?.slice(key.length + 1) ?? ''
  );
}
