import { LibvirtError } from '../../src/index.js';
import type { KindCase } from './case.js';

/** The calls that the matrix tries for each case. */
export const CELLS = ['attach live', 'attach config', 'detach live', 'detach config'] as const;
export type Cell = (typeof CELLS)[number];

/** What came of one call. */
export type Outcome =
  /** Planned, applied, and seen in the documents. */
  | { readonly word: 'yes' }
  /** Refused by the plan, and by libvirt with this error when the call was made all the same. */
  | {
      readonly word: 'no';
      readonly error: string /** Refused, and yet the live document shows it until the next boot. */;
      readonly left?: true;
    }
  /** Every domain has one like it. */
  | { readonly word: 'there already' }
  /** Refused by the plan; libvirt says success and does nothing. */
  | { readonly word: 'ignored' }
  /** Refused by the plan; libvirt would do it. */
  | { readonly word: 'not offered'; readonly why: string }
  /** Not tried here: what the kind's rows say by libvirt's source. */
  | { readonly word: 'by source'; readonly says: 'yes' | 'no'; readonly why: string }
  /** There is nothing to try it on. */
  | { readonly word: '–' };

/** One update that was tried: the fields it sets, and what came of it in each document. */
export interface UpdateFinding {
  readonly fields: string;
  live: Outcome | undefined;
  config: Outcome | undefined;
}

/** All that a case led to. */
export class Findings {
  readonly case: KindCase;
  readonly cells = new Map<Cell, Outcome>();
  readonly updates: UpdateFinding[] = [];
  /** Rows proved wrong, promises broken: the case fails with these. */
  readonly problems: string[] = [];

  constructor(each: KindCase) {
    this.case = each;
  }

  get name(): string {
    return `${this.case.kind}, ${this.case.title}`;
  }

  /** Runs a part of the proof; what it throws is a problem of this case, and the others go on. */
  async part(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      const { message, details } = error as { message?: string; details?: string };
      this.problems.push(`${what}: ${message ?? String(error)}${details ? `\n${details}` : ''}`);
      return false;
    }
  }
}

/** libvirt's refusal as the matrix shows it: number and name, without the prefix that all share. */
export function errorText(error: unknown): string {
  if (!(error instanceof LibvirtError)) throw error;
  return `${error.errorCode} ${(error.errorName ?? '').replace('VIR_ERR_', '')}`.trim();
}
