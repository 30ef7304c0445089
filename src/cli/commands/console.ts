import type { GuestStream } from '../../index.js';
import { type Answer, EXIT } from '../exit.js';
import { escapeAt, rawTerminal } from '../raw-terminal.js';
import type { Session } from '../session.js';

/** `lvc console`: the serial console of a running guest, until Ctrl-], the end of the domain, or that of stdin's process. */
export async function console(
  session: Session,
  name: string,
  { device, force = false }: { readonly device?: string; readonly force?: boolean },
): Promise<Answer> {
  const { signal } = session;
  const domain = await session.domain(name);
  await using stream = await domain.console({ device, force, signal });
  using terminal = rawTerminal();
  process.stderr.write(`Connected to ${domain.name}; Ctrl-] leaves.\r\n`);
  const left = new AbortController();
  const typing = typeInto(stream, left).catch(() => undefined);
  const ended = await Promise.race([
    show(stream, session).then(
      () => 'domain' as const,
      // Whoever leaves, or ends this process by a signal, ends the stream in the middle.
      (error: unknown) => {
        if (left.signal.aborted || signal.aborted) return 'left' as const;
        throw error;
      },
    ),
    new Promise<'left'>((resolve) => left.signal.addEventListener('abort', () => resolve('left'), { once: true })),
  ]);
  terminal[Symbol.dispose]();
  // Whoever waits for a key would keep the process.
  process.stdin.destroy();
  void typing;
  const why = ended === 'domain' ? 'the domain closed it' : 'left';
  return {
    result: { name: domain.name, ended },
    text: `\nThe console of ${domain.name} is closed: ${why}.`,
    exit: signal.aborted ? EXIT.interrupted : EXIT.ok,
  };
}

/** What the guest writes goes to stdout as it is; with `--json` as items of text. */
async function show({ readable }: GuestStream, session: Session): Promise<void> {
  const text = new TextDecoder();
  for await (const chunk of readable) {
    if (session.json) session.tell({ text: text.decode(chunk, { stream: true }) }, '');
    else if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

/** What is typed goes to the guest, up to the escape character. The end of stdin that is no terminal leaves the console open. */
async function typeInto({ writable }: GuestStream, left: AbortController): Promise<void> {
  const writer = writable.getWriter();
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    const at = escapeAt(chunk);
    const typed = at < 0 ? chunk : chunk.subarray(0, at);
    const written = typed.length > 0 ? writer.write(new Uint8Array(typed)) : undefined;
    // A guest that takes no input may not keep anybody from leaving; a pipe waits until it does.
    if (process.stdin.isTTY) written?.catch(() => undefined);
    else await written;
    if (at < 0) continue;
    left.abort();
    return;
  }
}
