import { oneLine } from './escape.js';
import type { TreeNode } from './tree.js';
import { cut, freeWords, labelOf, shortAddress, stateWords } from './words.js';

/** What a box says. */
export interface BoxText {
  readonly lines: readonly string[];
  /** Whether there is a mark before the text, which tells who asked for the device. */
  readonly mark: boolean;
}

const LONGEST = 52;

/** Returns the lines of a box; each is short enough to be shown whole. */
export function textOf(node: Exclude<TreeNode, { type: 'root' }>): BoxText {
  return { lines: linesOf(node).map((line) => cut(oneLine(line), LONGEST)), mark: node.type === 'device' };
}

function linesOf(node: Exclude<TreeNode, { type: 'root' }>): string[] {
  switch (node.type) {
    case 'bus':
      return node.bus.name === 'none'
        ? ['without an address']
        : [node.bus.name, ...(node.bus.model === undefined ? [] : [node.bus.model])];
    case 'port': {
      const [from = '', to = from] = [node.ports[0], node.ports.at(-1)].map((port) =>
        port?.makes?.replace(/^pci /, ''),
      );
      return [node.ports.length === 1 ? `port ${from}` : `ports ${from}-${to}`];
    }
    case 'free':
      return [freeWords(node.places)];
    default: {
      const { device, address, when } = node;
      const head = [shortAddress(address), labelOf(device)].filter((part) => part !== '').join('  ');
      const state = stateWords(device, when);
      return [device.detail === '' ? head : `${head}  ${device.detail}`, ...(state === undefined ? [] : [state])];
    }
  }
}
