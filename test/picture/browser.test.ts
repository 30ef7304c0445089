import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { topology, topologySvg } from '../../src/index.js';
import { CHROMIUM_FLAGS, findChromium } from '../support/chromium.js';
import { largeDomain } from './large-domain.js';

const test = suite('browser');
const chromium = browser();
if (!chromium) console.log('  skipped: no chromium, which pictures are looked at in');

function browser(): string | undefined {
  try {
    return findChromium();
  } catch {
    return undefined;
  }
}

/** What the page saw: texts that touch each other, what is outside of the picture or of its box, and the colour of the paper. */
interface Seen {
  readonly texts: number;
  readonly overlapping: readonly string[];
  readonly outside: readonly string[];
  readonly paper: string;
}

/** Runs in the page, and leaves what it saw in it. */
const LOOK = `
  const svg = document.querySelector('svg');
  const all = [...svg.querySelectorAll('text')].map((text) => ({ text, at: text.getBoundingClientRect() }));
  const touch = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const overlapping = all.flatMap((a, n) => all.slice(n + 1).filter((b) => touch(a.at, b.at)).map((b) => a.text.textContent + ' | ' + b.text.textContent));
  const whole = svg.getBoundingClientRect();
  const boxOf = ({ text }) => text.parentNode.querySelector('rect:not(.paper)');
  const outside = all.filter((each) => {
    const box = each.text.parentNode.matches('.bus,.port,.device,.free') && boxOf(each);
    return !within(each.at, whole) || (box && !within(each.at, box.getBoundingClientRect()));
  }).map(({ text }) => text.textContent);
  for (const rect of svg.querySelectorAll('rect')) if (!within(rect.getBoundingClientRect(), whole)) outside.push('a box');
  const paper = getComputedStyle(svg.querySelector('.paper')).fill;
  document.body.innerHTML = '<pre id="seen"></pre>';
  document.querySelector('#seen').textContent = JSON.stringify({ texts: all.length, overlapping, outside, paper });
`;

async function look(svg: string, scheme: 'light' | 'dark'): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), 'look-'));
  try {
    const page = join(folder, 'page.html');
    writeFileSync(page, `<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">${svg}<script>${LOOK}</script>`);
    const { stdout } = await promisify(execFile)(
      chromium as string,
      [
        ...CHROMIUM_FLAGS,
        `--user-data-dir=${join(folder, 'profile')}`,
        `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`,
        '--dump-dom',
        `file://${page}`,
      ],
      { timeout: 120_000, env: { ...process.env, HOME: folder }, maxBuffer: 1 << 24 },
    );
    const text = /<pre id="seen">([\s\S]*)<\/pre>/.exec(stdout)?.[1] ?? '';
    return JSON.parse(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')) as Seen;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

if (chromium) {
  const { canonical, live } = largeDomain(`a ${'very '.repeat(40)}long name`);
  const svg = topologySvg(topology(canonical, live));

  test('topologySvg: with eighty devices no text touches another or leaves its box, in light and in dark', async () => {
    const papers: string[] = [];
    for (const scheme of ['light', 'dark'] as const) {
      const { texts, overlapping, outside, paper } = await look(svg, scheme);
      assert.ok(texts > 80, `${texts} texts`);
      assert.equal(overlapping, [], scheme);
      assert.equal(outside, [], scheme);
      papers.push(paper);
    }
    assert.equal(papers, ['rgb(255, 255, 255)', 'rgb(13, 17, 23)']);
  });

  test('the look itself: sees texts that touch and what is outside', async () => {
    const { overlapping, outside } = await look(svg.replace(/(<text [^>]*) y="\d+(?:\.\d+)?"/g, '$1 y="-50"'), 'light');
    assert.ok(overlapping.length > 0);
    assert.ok(outside.length > 0);
  });
}

test.run();
