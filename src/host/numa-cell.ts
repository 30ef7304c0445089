/** A cell of the host's memory, with the CPUs that are near it. */
export interface NumaCell {
  readonly id: number;
  /** Bytes. */
  readonly memory: bigint;
  /** Bytes that are free; undefined where the host does not tell it. */
  readonly free: bigint | undefined;
  readonly cpus: ReadonlyArray<{
    readonly id: number;
    readonly socket: number | undefined;
    readonly core: number | undefined;
    /** CPUs that share its core, in libvirt's notation (`0,4`). */
    readonly siblings: string | undefined;
  }>;
  /** Distance to each cell, by its id; 10 is itself. Empty where the host tells none. */
  readonly distances: Readonly<Record<number, number>>;
  /** Pages of each size, in bytes, that the cell has, and how many of them are free where the host tells it. */
  readonly pages: ReadonlyArray<{ readonly size: bigint; readonly count: bigint; readonly free: bigint | undefined }>;
}
