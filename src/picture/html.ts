import { checkArgument, LIST } from '../options.js';
import { escaped } from './escape.js';
import type { DomainTopology, TopologyDevice } from './form.js';
import { FONTS, PAGE_STYLE } from './style.js';
import { drawing, PICTURE } from './svg.js';
import { shortAddress, stateWords } from './words.js';

/**
 * Makes one page of a topology, or of several: each picture, and below it a list of its devices with both addresses, who asked, what
 * waits, and the XML without secrets. A device in the picture leads to its line. The page is whole in itself: it has no script, and
 * asks for nothing from anywhere. `ARGUMENT_INVALID` for what is not a topology.
 *
 * @example
 * await writeFile('web1.html', topologyHtml(await web.topology()));
 */
export function topologyHtml(picture: DomainTopology | readonly DomainTopology[]): string {
  const pictures: readonly DomainTopology[] = LIST.fits(picture)
    ? (picture as readonly DomainTopology[])
    : [picture as DomainTopology];
  for (const each of pictures) checkArgument('topologyHtml', 'picture', each, PICTURE);
  const title = pictures.map(({ domain }) => domain.name).join(', ');
  return [
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    // Whatever a document holds, the page loads and runs nothing.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escaped(title)}</title>`,
    `<style>${LAYOUT}${PAGE_STYLE}</style></head><body>\n`,
    ...pictures.map(section),
    '</body></html>\n',
  ].join('');
}

const LAYOUT = [
  `:root{color-scheme:light dark}body{font:14px/1.5 system-ui,sans-serif;margin:24px}`,
  `.picture{overflow-x:auto}`,
  `table{border-collapse:collapse;margin:16px 0}th,td{text-align:left;vertical-align:top;padding:3px 14px 3px 0;border-bottom:1px solid}`,
  `td,pre{font-family:${FONTS};font-size:12px}pre{margin:4px 0;padding:8px;white-space:pre-wrap;overflow-wrap:anywhere}`,
  `summary{cursor:pointer}`,
].join('');

/** Who asked, as short as a column needs. */
const SHORT = { intent: 'this library', 'another-client': 'another client', libvirt: 'libvirt' } as const;

function section(picture: DomainTopology, nth: number): string {
  const { domain, devices } = picture;
  const places = new Map(devices.map(({ identity }, at) => [identity, `d${nth}-${at}`]));
  // What waits comes first.
  const waiting = (device: TopologyDevice) => Number(device.atNextBoot === 'stays');
  const rows = [...devices]
    .sort((a, b) => waiting(a) - waiting(b))
    .map((device) => row(device, places.get(device.identity) as string));
  return [
    `<p class="dim">${escaped(domain.uuid)}</p>\n`,
    `<div class="picture">${drawing(picture, (identity) => `#${places.get(identity)}`)}</div>\n`,
    '<table><thead><tr><th>device</th><th>address</th><th>now</th><th>at the next boot</th><th>asked for by</th></tr></thead>',
    `<tbody>${rows.join('\n')}</tbody></table>\n`,
  ].join('');
}

function row(device: TopologyDevice, id: string): string {
  const { identity, detail, address, liveAddress, reason, changes, askedBy, xml } = device;
  const waits = [
    stateWords(device, 'now'),
    ...changes.map(({ path, from, to }) => `${path}: ${from ?? '(none)'} → ${to ?? '(none)'}`),
    reason,
  ].filter((each) => each !== undefined);
  const cells = [
    `<details><summary>${escaped(identity)} <span class="dim">${escaped(detail)}</span></summary><pre>${escaped(xml)}</pre></details>`,
    escaped(shortAddress(address ?? '-')),
    escaped(shortAddress(liveAddress ?? '-')),
    waits.map(escaped).join('<br>'),
    SHORT[askedBy],
  ];
  return `<tr id="${id}">${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}
