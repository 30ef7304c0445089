/** Ctrl-], as in telnet and virsh. */
const ESCAPE = 0x1d;

/** Where the escape character is in what was typed; -1 without one. What comes from no terminal has none. */
export function escapeAt(typed: Uint8Array): number {
  return process.stdin.isTTY ? typed.indexOf(ESCAPE) : -1;
}

/**
 * Hands every key to the reader of stdin, Ctrl-C too, until it is disposed of. The terminal is given back however the process
 * ends short of being killed: Node restores the mode that it set itself, on Windows as on Unix.
 */
export function rawTerminal(): Disposable {
  const { stdin } = process;
  if (!stdin.isTTY) return { [Symbol.dispose]: () => undefined };
  const restore = () => {
    stdin.setRawMode(false);
  };
  stdin.setRawMode(true);
  process.once('exit', restore);
  return {
    [Symbol.dispose]: () => {
      process.off('exit', restore);
      restore();
    },
  };
}
