import { cluster, type HierarchyNode, hierarchy } from 'd3-hierarchy';
import { type BoxText, textOf } from './box-text.js';
import type { DomainTopology } from './form.js';
import { type TreeNode, treeOf } from './tree.js';
import { columns } from './words.js';

/** Type size and what a character of a fixed-width font is wide at most, in pixels. */
export const FONT = 12;
export const CHARACTER = 7.5;
export const LINE = 17;
/** From the edge of a box to its text, and for the mark before it. */
export const PADDING = 9;
export const MARK = 18;
const ROW_GAP = 7;
const BUS_GAP = 16;
const COLUMN_GAP = 34;
/** From a column to the line before it, off which its boxes branch. */
const TRUNK = 14;

/** A box with its place, in pixels from the corner of the tree. */
export interface Box {
  readonly node: Exclude<TreeNode, { type: 'root' }>;
  readonly text: BoxText;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Where the line from the parent turns. */
  readonly trunk: number;
  /** The box to its left that it belongs to. */
  readonly parent: Box | undefined;
}

/** All boxes of a picture, and how large they are together. */
export interface Layout {
  readonly boxes: readonly Box[];
  readonly width: number;
  readonly height: number;
}

type Node = HierarchyNode<TreeNode>;

/**
 * Lays out the tree of a topology: a column for each step from the bus, a row for each leaf, and every box in the row of
 * its first child, so that a long bus begins at the top of what is on it.
 */
export function layoutOf(picture: DomainTopology): Layout {
  const root: Node = hierarchy(treeOf(picture), ({ children }) => children as TreeNode[]);
  const texts = new Map<Node, BoxText>();
  for (const node of root.descendants()) if (node.data.type !== 'root') texts.set(node, textOf(node.data));
  const text = (node: Node) => texts.get(node) as BoxText;
  const placed = cluster<TreeNode>()
    .nodeSize([1, 1])
    // The lower one first: its distance is what the row of the upper one takes.
    .separation((lower, upper) => rowHeight(upper, text) + (busOf(lower) === busOf(upper) ? ROW_GAP : BUS_GAP))(root);
  const tops = new Map<Node, number>();
  placed.eachAfter((node) => tops.set(node, tops.get(node.children?.[0] as Node) ?? node.x));
  const first = Math.min(...placed.leaves().map(({ x }) => x));

  const column = columnsOf(placed);
  const widths: number[] = [];
  for (const [node, each] of texts) widths[column(node)] = Math.max(widths[column(node)] ?? 0, widthOf(each));
  const left = (at: number) => widths.slice(0, at).reduce((sum, each) => sum + each + COLUMN_GAP, 0);

  const boxes = new Map<Node, Box>();
  placed.eachBefore((node) => {
    if (node.data.type === 'root') return;
    const parent = node.parent ? boxes.get(node.parent) : undefined;
    boxes.set(node, {
      node: node.data,
      text: text(node),
      x: left(column(node)),
      y: (tops.get(node) ?? 0) - first,
      width: widthOf(text(node)),
      height: heightOf(text(node)),
      trunk: left(column(node.parent ?? node) + 1) - TRUNK,
      parent,
    });
  });
  const all = [...boxes.values()];
  return {
    boxes: all,
    width: Math.max(0, ...all.map(({ x, width }) => x + width)),
    height: Math.max(0, ...all.map(({ y, height }) => y + height)),
  };
}

/** The column of each box, from 0: devices on a bus stand beside those in its ports, beyond the column of the ports. */
function columnsOf(root: Node): (node: Node) => number {
  const known = new Map<Node, number>();
  const hasPorts = root.descendants().some(({ data }) => data.type === 'port');
  root.eachBefore((node) => {
    const { parent } = node;
    const step = hasPorts && node.data.type !== 'port' && parent?.data.type === 'bus' ? 2 : 1;
    known.set(node, parent ? (known.get(parent) as number) + step : -1);
  });
  return (node) => known.get(node) as number;
}

function busOf(node: Node): Node | undefined {
  return node.ancestors().find(({ data }) => data.type === 'bus');
}

/** As high as the highest box of the row: the leaf, and those that begin with it. */
function rowHeight(leaf: Node, text: (node: Node) => BoxText): number {
  let height = 0;
  for (let node: Node | null = leaf; node && node.data.type !== 'root'; node = node.parent) {
    height = Math.max(height, heightOf(text(node)));
    if (node.parent?.children?.[0] !== node) break;
  }
  return height;
}

function widthOf({ lines, mark }: BoxText): number {
  return Math.max(...lines.map(columns)) * CHARACTER + 2 * PADDING + (mark ? MARK : 0);
}

function heightOf({ lines }: BoxText): number {
  return lines.length * LINE + 8;
}
