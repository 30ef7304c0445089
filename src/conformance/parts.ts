import { type Token, tokens } from './tokens.js';

/** One child of an element as its tokens, from its opening to its closing tag. */
export type Part = readonly Token[];

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
export function childrenOf(all: readonly Token[], element: string): Part[] {
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
export function tag(part: Part, name: string): readonly string[] {
  return (
    childrenOf(part, part[0]?.[1] ?? '')
      .find((child) => child[0]?.[1] === name)?.[0]
      ?.slice(2) ?? []
  );
}

export function attribute(part: Part, name: string, key: string): string {
  return (
    tag(part, name)
      .find((each) => each.startsWith(`${key}=`))
      ?.slice(key.length + 1) ?? ''
  );
}
