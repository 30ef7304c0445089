import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError, LibvirtCanonicalError } from '../../errors.js';
import { checkOptions, OBJECT, PERIOD, shown, TEXT } from '../../options.js';
import { type Fence, FenceUnprovedError, proofNow } from './proof.js';

/** How one of the distribution's fence agents is run. */
export interface FenceAgentOptions {
  /** Its name, `fence_ipmilan`, which is looked for where the system keeps its programs; or a path. */
  readonly program: string;
  /** What it takes, by its own names: `{ ip, username, password, lanplus: '1' }`. Handed over on its input, never as an argument. */
  readonly options: Readonly<Record<string, string>>;
  /** Milliseconds for all of it. Default 120,000. */
  readonly timeout?: number | undefined;
  /** Milliseconds that the proof counts. Default 600,000. */
  readonly validFor?: number | undefined;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** What an agent ends with when it was asked for `status` and the machine is off. A shell that stumbles ends with the same. */
const IS_OFF = 2;
const SAYS_OFF = /^status:\s*off\s*$/im;
/** Longest output that is kept, in characters. */
const LONGEST = 64 << 10;
/** Milliseconds between two readings. */
const PAUSE = 1_000;

/**
 * Switches a host off by one of the programs of `fence-agents`, and then asks it for the status, twice: both must be off, by the
 * status that it ends with (2) and by its words. Anything else proves nothing: `FENCE_UNPROVED`.
 *
 * @example
 * const fence = fenceAgent({ program: 'fence_ipmilan', options: { ip: '10.0.0.9', username: 'fleet', password, lanplus: '1' } });
 */
export function fenceAgent(given: FenceAgentOptions): Fence {
  checkOptions<FenceAgentOptions>(
    'fenceAgent',
    given ?? null,
    { program: TEXT, options: OBJECT, timeout: PERIOD, validFor: PERIOD },
    { needs: ['program', 'options'] },
  );
  for (const [name, value] of Object.entries(given.options))
    if (!/^\w+$/.test(name) || name === 'action' || typeof value !== 'string' || /[\n\r\0]/.test(value))
      throw new LibvirtCanonicalError(
        'ARGUMENT_INVALID',
        `fenceAgent: options.${name} must be a text of one line, got ${typeof value === 'string' ? 'another' : shown(value)}`,
        {
          path: `options.${name}`,
          remedy: 'Names are those of the agent, but for action',
        },
      );
  const { program, timeout = 120_000, validFor = 600_000 } = given;
  return {
    way: 'fence-agent',
    async prove(host, { signal } = {}) {
      const late = AbortSignal.timeout(timeout);
      const all = signal ? AbortSignal.any([signal, late]) : late;
      try {
        const off = await run(given, 'off', all);
        if (off.code !== 0) throw new Error(`off ended with ${off.code}${lastWords(off.output, given.options)}`);
        for (let seen = 0; seen < 2; seen++) {
          if (seen > 0) await sleep(PAUSE, undefined, { signal: all });
          const { code, output } = await run(given, 'status', all);
          if (code !== IS_OFF || !SAYS_OFF.test(output))
            throw new Error(`status ended with ${code}${lastWords(output, given.options)}`);
        }
      } catch (error) {
        if (signal?.aborted) throw new AbortedError(`the fencing of ${host}`, signal.reason);
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        const why = late.aborted
          ? `it did not show it within ${timeout} ms`
          : missing
            ? 'there is no such program'
            : (error as Error).message;
        throw new FenceUnprovedError(host, 'fence-agent', `${program}: ${why}`, {
          remedy: missing
            ? 'Install it, often the package fence-agents'
            : "Run it by hand, or take a person's word for it",
          cause: error,
        });
      }
      return proofNow(
        { host, way: 'fence-agent', by: program, says: 'off was asked for, and status was off twice' },
        validFor,
      );
    },
  };
}

function run(
  { program, options }: FenceAgentOptions,
  action: 'off' | 'status',
  signal: AbortSignal,
): Promise<{ code: number | string; output: string }> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(program, { env: { PATH, LC_ALL: 'C' }, stdio: 'pipe', signal, killSignal: 'SIGKILL' });
    let output = '';
    const keep = (part: Buffer) => {
      output = (output + part.toString('utf8')).slice(-LONGEST);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code, by) => resolve({ code: code ?? by ?? 'nothing', output }));
    // One that ends without reading leaves a broken pipe, and its status says the rest.
    child.stdin.on('error', () => {});
    child.stdin.end([...Object.entries({ ...options, action })].map(([name, value]) => `${name}=${value}\n`).join(''));
  });
}

/** The last line that an agent wrote, without what it was given: one of those is a password. */
function lastWords(output: string, options: Readonly<Record<string, string>>): string {
  let line = output.trim().split('\n').at(-1) ?? '';
  for (const value of Object.values(options)) if (value !== '') line = line.replaceAll(value, '(hidden)');
  return line === '' ? '' : `: ${line.slice(0, 200)}`;
}
