import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { topologyHtml, topologySvg, topologyText } from '../../index.js';
import { type Answer, UsageError } from '../exit.js';
import type { Session } from '../session.js';

interface PictureOptions {
  readonly out?: string;
  readonly html?: boolean;
  readonly ascii?: boolean;
}

const FORMS = { svg: topologySvg, html: topologyHtml, ascii: topologyText } as const;
type Form = keyof typeof FORMS;
const ENDINGS: Readonly<Record<string, Form>> = { '.svg': 'svg', '.html': 'html', '.htm': 'html', '.txt': 'ascii' };

/** `lvc picture`: one domain's devices, where they sit, as SVG, as a page, or as text; with --json the data. */
export async function picture(session: Session, name: string, { out, html, ascii }: PictureOptions): Promise<Answer> {
  if (html && ascii) throw new UsageError('Give --html or --ascii, not both');
  const form: Form = html ? 'html' : ascii ? 'ascii' : (ENDINGS[extname(out ?? '').toLowerCase()] ?? 'svg');
  const domain = await session.domain(name);
  const result = await domain.topology({ signal: session.signal });
  const text = FORMS[form](result);
  if (out === undefined) return { result, text };
  await writeFile(out, text, { signal: session.signal });
  return { result: { file: out, form }, text: `Written to ${out}` };
}
