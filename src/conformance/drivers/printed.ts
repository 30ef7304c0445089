import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a program printed. @throws Error with its complaint */
export async function printed(program: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await run(program, args, { maxBuffer: 64 << 20 })).stdout;
  } catch (error) {
    const complaint = String((error as { stderr?: string }).stderr ?? '').trim();
    throw new Error(complaint || String(error), { cause: error });
  }
}
