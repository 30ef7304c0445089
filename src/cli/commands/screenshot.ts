import { type Answer, UsageError } from '../exit.js';
import { writeNew } from '../input.js';
import { bytesText } from '../progress.js';
import type { Session } from '../session.js';

/** `lvc screenshot`: what the guest shows, as PNG, into a new file or to stdout. */
export async function screenshot(
  session: Session,
  name: string,
  { out, screen }: { readonly out?: string; readonly screen?: number },
): Promise<Answer | undefined> {
  if (out === '-' && (session.json || process.stdout.isTTY))
    throw new UsageError('A picture does not go to a terminal or into JSON: give a file with --out');
  const domain = await session.domain(name);
  const { type, bytes } = await domain.screenshot({ signal: session.signal, screen });
  if (out === '-') {
    process.stdout.write(bytes);
    return undefined;
  }
  const file = out ?? `${domain.name.replaceAll('/', '_')}.png`;
  await writeNew(file, bytes);
  return {
    result: { name: domain.name, file, type, bytes: bytes.length },
    text: `${domain.name} is shown in ${file} (${bytesText(bytes.length)}).`,
  };
}
