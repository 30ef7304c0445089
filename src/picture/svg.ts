import { checkArgument } from '../options.js';
import { escaped, oneLine } from './escape.js';
import type { AskedBy, AtNextBoot, DomainTopology } from './form.js';
import { type Box, CHARACTER, FONT, LINE, layoutOf, MARK, PADDING } from './layout.js';
import { FONTS, SVG_STYLE } from './style.js';
import type { TreeNode } from './tree.js';
import { ASKED_BY, AT_NEXT_BOOT, bootLine, columns, cut, freeWords, labelOf, machineLine } from './words.js';

const MARGIN = 20;
const TITLE = 16;

/** What each function of this room takes. */
export const PICTURE = {
  takes: 'what `await domain.topology()` or topology(xml) returned',
  fits: (value: unknown) =>
    typeof value === 'object' && value !== null && (value as Partial<DomainTopology>).formatVersion === 1,
};

/**
 * Draws a topology as one SVG: buses, ports and devices from left to right, with what the next cold boot moves, brings, takes and
 * changes told by border, mark and words. It is whole in itself, has a light and a dark form, and tells the XML of a device
 * to a pointer that rests on it, without secrets. `ARGUMENT_INVALID` for what is not a topology.
 *
 * @example
 * await writeFile('web1.svg', topologySvg(await web.topology()));
 */
export function topologySvg(picture: DomainTopology): string {
  checkArgument('topologySvg', 'picture', picture, PICTURE);
  return drawing(picture);
}

/** The SVG; with `link`, each device leads to what that returns for its identity. */
export function drawing(picture: DomainTopology, link?: (identity: string) => string): string {
  const { boxes, width, height } = layoutOf(picture);
  const head = headOf(picture, width);
  const legend = legendOf(Math.max(width, head.width));
  const whole = {
    width: Math.ceil(Math.max(width, head.width, legend.width) + 2 * MARGIN),
    height: Math.ceil(head.height + height + legend.height + 3 * MARGIN),
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="lvc" width="${whole.width}" height="${whole.height}"`,
    ` viewBox="0 0 ${whole.width} ${whole.height}" role="img" aria-label="${escaped(altText(picture))}"`,
    ` font-family="${FONTS}" font-size="${FONT}">`,
    `<style>${SVG_STYLE}</style>`,
    `<rect class="paper" width="100%" height="100%" stroke="none" style="stroke:none"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})">${head.svg}`,
    `<g transform="translate(0 ${head.height})">${boxes.map(edge).join('')}${boxes.map((box) => drawBox(box, link)).join('')}</g>`,
    `<g transform="translate(0 ${head.height + height + MARGIN})">${legend.svg}</g>`,
    '</g></svg>\n',
  ].join('');
}

function altText(picture: DomainTopology): string {
  return `Devices of domain ${oneLine(picture.domain.name)}: ${machineLine(picture)}. ${bootLine(picture)}`;
}

function headOf(picture: DomainTopology, width: number) {
  const { name, title } = picture.domain;
  const scale = TITLE / FONT;
  const most = Math.max(48, Math.floor(width / CHARACTER / scale));
  const heading = cut(oneLine(title === undefined || title === name ? name : `${name} · ${title}`), most);
  const lines = [machineLine(picture), bootLine(picture)];
  return {
    width: Math.max(columns(heading) * CHARACTER * scale, ...lines.map((line) => columns(line) * CHARACTER)),
    height: 78,
    svg:
      `<text x="0" y="14" font-size="${TITLE}" font-weight="bold">${escaped(heading)}</text>` +
      lines
        .map((line, at) => `<text x="0" y="${36 + at * LINE}"${at === 0 ? ' class="dim"' : ''}>${escaped(line)}</text>`)
        .join(''),
  };
}

/** From the right of a box down the column between the two to the left of the other. */
function edge({ parent, x, y, trunk }: Box): string {
  if (!parent) return '';
  const [from, to] = [parent.y + 12.5, y + 12.5];
  const start = parent.x + parent.width;
  const path =
    Math.abs(from - to) < 1
      ? `M${start} ${from}H${x}`
      : `M${start} ${from}H${trunk - 5}q5 0 5 5V${to - 5}q0 5 5 5H${x}`;
  return `<path class="edge" fill="none" d="${path}"/>`;
}

function drawBox(box: Box, link?: (identity: string) => string): string {
  const { node, text, x, y, width, height } = box;
  const [head = '', state] = text.lines;
  const left = x + PADDING + (text.mark ? MARK : 0);
  const strong = node.type === 'device' || node.type === 'bus' ? ' font-weight="600"' : '';
  const parts = [
    `<title>${escaped(hover(node))}</title>`,
    `<rect x="${x + 0.5}" y="${y + 0.5}" width="${width - 1}" height="${height - 1}" rx="${node.type === 'bus' ? 9 : 4}"${border(node)}/>`,
    text.mark && node.type === 'device' ? askedMark(node.device.askedBy, x + PADDING + 5, y + 12.5) : '',
    `<text x="${left}" y="${y + 17}"${strong} xml:space="preserve">${headParts(node, head)}</text>`,
    state === undefined
      ? ''
      : `<text class="${node.type === 'device' ? 'state' : 'dim'}" x="${left}" y="${y + 17 + LINE}">${escaped(state)}</text>`,
    node.type === 'device' && state !== undefined
      ? stateMark(node.device.atNextBoot, x + PADDING + 5, y + 12.5 + LINE)
      : '',
  ].join('');
  const group = `<g class="${node.type}${node.type === 'device' ? ` ${node.device.atNextBoot}` : ''}">${parts}</g>`;
  if (!link || node.type !== 'device') return group;
  return `<a href="${escaped(link(node.device.identity))}">${group}</a>`;
}

/** The name of a device is what is looked for; its address and model are beside it. */
function headParts(node: TreeNode, head: string): string {
  if (node.type !== 'device') return escaped(head);
  const label = oneLine(labelOf(node.device));
  const at = head.indexOf(label);
  if (at < 0) return escaped(head);
  const end = at + label.length;
  const dim = (part: string) => (part === '' ? '' : `<tspan class="dim" font-weight="normal">${escaped(part)}</tspan>`);
  return `${dim(head.slice(0, at))}${escaped(head.slice(at, end))}${dim(head.slice(end))}`;
}

/** Borders tell apart what is there now and stays, what is not there yet, and what goes. */
function border(node: TreeNode): string {
  if (node.type === 'free') return ' stroke-dasharray="2 4"';
  if (node.type !== 'device') return '';
  if (node.when === 'next') return ' stroke-dasharray="7 4" stroke-width="1.5"';
  if (node.device.atNextBoot === 'goes') return ' stroke-dasharray="2 3" stroke-width="2"';
  return node.device.atNextBoot === 'stays' ? '' : ' stroke-width="2"';
}

function hover(node: TreeNode): string {
  switch (node.type) {
    case 'device': {
      const { device } = node;
      const changes = device.changes.map(({ path, from, to }) => `${path}: ${from ?? '(none)'} → ${to ?? '(none)'}`);
      const told = [
        `${device.identity}: ${ASKED_BY[device.askedBy]}`,
        ...(device.reason ? [device.reason] : []),
        ...changes,
      ];
      return `${told.join('\n')}\n\n${device.xml}`;
    }
    case 'port':
      return node.ports.map(({ identity, address = '' }) => `${identity} at ${address}`).join('\n');
    case 'free':
      return freeWords(node.places);
    case 'bus':
      return `bus ${node.bus.name}`;
    default:
      return '';
  }
}

/** A full circle, a hollow one, or a diamond. */
function askedMark(by: AskedBy, x: number, y: number): string {
  return by === 'another-client'
    ? `<path class="mark" fill="none" stroke-width="1.5" d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`
    : `<circle class="mark ${by}" cx="${x}" cy="${y}" r="4"${by === 'intent' ? '' : ' fill="none"'} stroke-width="1.5"/>`;
}

const STATE_PATHS: Readonly<Record<Exclude<AtNextBoot, 'stays'>, string>> = {
  moves: 'M-5 0H5M1 -4L5 0L1 4',
  comes: 'M-5 0H5M0 -5V5',
  goes: 'M-5 0H5',
  changes: 'M-5 2Q-2.5 -4 0 0T5 -2',
};

function stateMark(state: AtNextBoot, x: number, y: number): string {
  if (state === 'stays') return '';
  return `<path fill="none" stroke-width="2" transform="translate(${x} ${y})" d="${STATE_PATHS[state]}"/>`;
}

/** What the marks mean, in as many rows as they need. */
function legendOf(width: number) {
  const asked = Object.entries(ASKED_BY).map(([by, words]) => ({
    words,
    group: 'device',
    mark: (x: number, y: number) => askedMark(by as AskedBy, x, y),
  }));
  const states = Object.entries(AT_NEXT_BOOT).map(([state, words]) => ({
    words,
    group: state,
    mark: (x: number, y: number) => stateMark(state as AtNextBoot, x, y),
  }));
  let [x, y, widest] = [0, 0, 0];
  const svg = [...states, ...asked].map(({ words, group, mark }, at) => {
    const needs = MARK + columns(words) * CHARACTER + 18;
    if (x > 0 && (x + needs > Math.max(width, 560) || at === states.length)) [x, y] = [0, y + LINE + 3];
    const item = `<g class="${group}">${mark(x + 5, y + 8)}<text class="dim" x="${x + MARK}" y="${y + 12.5}">${escaped(words)}</text></g>`;
    x += needs;
    widest = Math.max(widest, x - 18);
    return item;
  });
  return { svg: svg.join(''), width: widest, height: y + LINE };
}
