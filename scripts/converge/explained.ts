/** Plans that are right although the document is the very one that the domain was defined with, and why. */
export interface ExplainedRow {
  /** Lines of a plan; all of a document's lines must be explained for it to count as such. */
  readonly line: RegExp;
  /** Only for these documents: `itself`, `canonical`, `live` … */
  readonly desired?: RegExp;
  /** Only for documents that hold this. */
  readonly document?: RegExp;
  readonly why: string;
}

export const EXPLAINED: readonly ExplainedRow[] = [];
