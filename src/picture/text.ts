import { checkArgument } from '../options.js';
import { textOf } from './box-text.js';
import { oneLine } from './escape.js';
import type { DomainTopology } from './form.js';
import { PICTURE } from './svg.js';
import { type TreeNode, treeOf } from './tree.js';
import { ASKED_BY, bootLine, machineLine } from './words.js';

/** The marks of {@link ASKED_BY} on a terminal. */
const MARKS = { intent: '*', 'another-client': '?', libvirt: '.' } as const;

/**
 * Writes a topology as a tree in plain ASCII lines, for a terminal or a log; names of the domain's own stay as they are, without
 * control characters. `ARGUMENT_INVALID` for what is not a topology.
 *
 * @example
 * console.log(topologyText(await web.topology()));
 */
export function topologyText(picture: DomainTopology): string {
  checkArgument('topologyText', 'picture', picture, PICTURE);
  const { name, title } = picture.domain;
  return [
    oneLine(title === undefined || title === name ? name : `${name}: ${title}`),
    machineLine(picture).replaceAll(' · ', ', '),
    bootLine(picture),
    '',
    ...treeOf(picture).children.flatMap((bus) => [...lines(bus, '', '', true), '']),
    Object.entries(MARKS)
      .map(([by, mark]) => `${mark} ${ASKED_BY[by as keyof typeof ASKED_BY]}`)
      .join('   '),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

/** The lines of a box and of those below it. `indent` is what stands before each. */
function lines(node: TreeNode, before: string, indent: string, isLast: boolean): string[] {
  if (node.type === 'root') return [];
  const { lines: words } = textOf(node);
  const mark = node.type === 'device' ? `${MARKS[node.device.askedBy]} ` : '';
  // A port and the one device in it are one line.
  const [only] = node.children;
  if (node.type === 'port' && node.children.length === 1 && only && only.type !== 'root') {
    const [head = ''] = words;
    return lines(only, `${before}${head.padEnd(8)} `, indent, isLast);
  }
  const below = node.children.flatMap((child, at) => {
    const last = at === node.children.length - 1;
    return lines(child, `${indent}${last ? '`- ' : '|- '}`, `${indent}${last ? '   ' : '|  '}`, last);
  });
  const [head = '', state] = words;
  const told = state === undefined ? head : node.type === 'bus' ? `${head}  ${state}` : `${head}  <- ${state}`;
  return [`${before}${mark}${told.replaceAll('…', '...')}`, ...below];
}
