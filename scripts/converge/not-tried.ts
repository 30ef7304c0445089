/** What is not done with a document, because libvirt ends or hangs at it, and why: such documents are counted by their row. */
export interface NotTriedRow {
  /** `define`: the document is left out. `start`: the document is tried, but its domain is never started. */
  readonly step: 'define' | 'start';
  /** For documents that hold this. */
  readonly document: RegExp;
  readonly why: string;
}

export const NOT_TRIED: readonly NotTriedRow[] = [
  {
    step: 'start',
    document: /<interface [^>]*type="(null|vds)"/,
    why: 'an interface of a type that QEMU has not, null or vds: libvirtd 9.0 ends when the domain is started',
  },
  {
    step: 'start',
    document: /<interface [^>]*type="vhostuser"(?:(?!<\/interface>)[\s\S])*<source [^>]*mode="server"/,
    why: 'a vhost-user interface whose socket QEMU serves: QEMU waits for its peer before it answers, and the start with it',
  },
];

/** The row for a step with a document. */
export function notTried(step: NotTriedRow['step'], xml: string): NotTriedRow | undefined {
  return NOT_TRIED.find((row) => row.step === step && row.document.test(xml));
}
