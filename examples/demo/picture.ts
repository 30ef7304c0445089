import type { Place } from './sighting.js';
import { moved, type Row } from './table.js';

/** One of the three columns, left to right: what was before stands in the middle. */
interface Column {
  readonly title: string;
  readonly place: (row: Row) => Place | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: '◄ after: generated anew', place: ({ regenerated }) => regenerated },
  { title: 'before the hard reboot', place: ({ before }) => before },
  { title: 'after: libvirt-canonical ►', place: ({ canonical }) => canonical },
];
const BEFORE = 1;

const BOX = { width: 200, height: 38 };
const GAP = { x: 90, y: 12 };
const MARGIN = 20;
const HEAD = 40;
const FOOT = 34;

const STYLE = `text{fill:#1f2328;font:13px system-ui,sans-serif}.at,.name{font:11px ui-monospace,monospace;fill:#59636e}
.title{font-weight:600}.paper{fill:#fff}.box{fill:#f6f8fa;stroke:#8c959f}.way{fill:none;stroke:#8c959f;stroke-width:1.5}
.moved .box{fill:#ffebe9;stroke:#cf222e;stroke-width:2}.way.moved{stroke:#cf222e;stroke-width:2;stroke-dasharray:5 3}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.at,.name{fill:#9198a1}.paper{fill:#0d1117}.box{fill:#151b23;stroke:#656c76}
.way{stroke:#656c76}.moved .box{fill:#3c1618;stroke:#f85149}.way.moved{stroke:#f85149}}`;

/**
 * The table of the demo as a picture: a device is a box at the height of its PCI address, and a line leads to where the guest
 * finds it after the reboot. What moved is drawn in red, dashed, and says so.
 */
export function pictureOf(rows: readonly Row[]): string {
  const addresses = [
    ...new Set(rows.flatMap((row) => COLUMNS.flatMap(({ place }) => place(row)?.address ?? []))),
  ].sort();
  const x = (column: number) => MARGIN + column * (BOX.width + GAP.x);
  const y = (address: string) => MARGIN + HEAD + addresses.indexOf(address) * (BOX.height + GAP.y);
  const width = x(COLUMNS.length - 1) + BOX.width + MARGIN;
  const height = MARGIN + HEAD + addresses.length * (BOX.height + GAP.y) + FOOT;

  const box = (row: Row, column: number): string => {
    const place = COLUMNS[column]?.place(row);
    if (!place) return '';
    const mark = moved(row.before, place);
    return `<g${mark ? ' class="moved"' : ''} transform="translate(${x(column)} ${y(place.address)})"><rect class="box" width="${BOX.width}" height="${BOX.height}" rx="5"/><text x="10" y="16">${escaped(row.device)}${mark ? ' ◄ moved' : ''}</text><text class="at" x="10" y="31">${place.address}</text><text class="name" x="${BOX.width - 10}" y="31" text-anchor="end">${place.name ?? ''}</text></g>`;
  };
  /** From the middle to where it is afterwards. */
  const way = (row: Row, column: number): string => {
    const place = COLUMNS[column]?.place(row);
    if (!row.before || !place || column === BEFORE) return '';
    const [x1, x2] = column < BEFORE ? [x(BEFORE), x(column) + BOX.width] : [x(BEFORE) + BOX.width, x(column)];
    const [y1, y2] = [row.before, place].map(({ address }) => y(address) + BOX.height / 2);
    const bend = (x2 - x1) / 2;
    const mark = moved(row.before, place) ? ' moved' : '';
    return `<path class="way${mark}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}"/>`;
  };
  const every = (draw: (row: Row, column: number) => string) =>
    COLUMNS.flatMap((_, column) => rows.map((row) => draw(row, column))).join('');
  const titles = COLUMNS.map(
    ({ title }, column) => `<text class="title" x="${x(column)}" y="${MARGIN + 14}">${title}</text>`,
  ).join('');
  const foot = 'PCI address and device name of each device, as the guest itself reports them';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(said(rows))}"><style>${STYLE}</style><rect class="paper" width="100%" height="100%" rx="6"/>${titles}${every(way)}${every(box)}<text class="at" x="${MARGIN}" y="${height - MARGIN + 4}">${foot}</text></svg>\n`;
}

/** The picture in words, for those who do not see it. */
function said(rows: readonly Row[]): string {
  const gone = (of: (row: Row) => Place | undefined) =>
    rows.flatMap((row) => (moved(row.before, of(row)) ? [row.device] : [])).join(', ') || 'nothing';
  return `Moved when the domain is generated anew: ${gone(({ regenerated }) => regenerated)}. Moved with libvirt-canonical: ${gone(({ canonical }) => canonical)}.`;
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
