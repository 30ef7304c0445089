import { LibvirtCanonicalError } from '../../errors.js';

/** Evidence, with a time, that a host runs nothing any more. A plain value: it goes into whatever keeps the audit. */
export interface FenceProof {
  /** The host's name in the fleet. */
  readonly host: string;
  /** What gave it: `person`, `redfish`, `fence-agent`, or a name of your own. */
  readonly way: string;
  /** Who or what vouches for it: a person's name, the address of a BMC, a program. Never a secret. */
  readonly by: string;
  /** What was seen or said. */
  readonly says: string;
  /** ISO 8601: when it was seen, and until when it counts. A host that is off can be switched on again by anybody. */
  readonly at: string;
  readonly validUntil: string;
}

/** A way to prove that a host is off. It makes it so where it can, and looks afterwards. */
export interface Fence {
  readonly way: string;
  /** Rejects with `FENCE_UNPROVED` unless it was seen. That nobody answers is no proof. */
  prove(host: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<FenceProof>;
}

/** It is not proved that a host is off, so nothing of it may be started elsewhere. `code` is `FENCE_UNPROVED`. */
export class FenceUnprovedError extends LibvirtCanonicalError {
  override readonly name = 'FenceUnprovedError';
  /** The host's name in the fleet. */
  readonly host: string;
  /** What should have proved it. */
  readonly way: string;
  constructor(host: string, way: string, why: string, details: { readonly remedy: string; readonly cause?: unknown }) {
    super('FENCE_UNPROVED', `it is not proved that ${host} is off (${way}): ${why}`, details);
    this.host = host;
    this.way = way;
  }
}

/** A proof as of now. `validFor`: milliseconds. */
export function proofNow(
  { host, way, by, says }: Pick<FenceProof, 'host' | 'way' | 'by' | 'says'>,
  validFor: number,
  at = new Date(),
): FenceProof {
  return { host, way, by, says, at: at.toISOString(), validUntil: new Date(at.getTime() + validFor).toISOString() };
}

/** How much the clocks of two machines may differ, in milliseconds. */
const CLOCKS = 60_000;

/**
 * Holds a proof to a host and to a time: `FENCE_UNPROVED` when it is of another host, when it counts no longer, or when it is
 * of a time to come.
 */
export function assertProof(proof: FenceProof, host: string, now = new Date()): void {
  const { way = 'no proof', by = '', at = '', validUntil = '' } = proof ?? {};
  const [from, until] = [Date.parse(at), Date.parse(validUntil)];
  const remedy = 'Prove it again';
  if (Number.isNaN(from) || Number.isNaN(until) || by === '')
    throw new FenceUnprovedError(host, way, 'the proof is not whole', { remedy });
  if (proof.host !== host) throw new FenceUnprovedError(host, way, `the proof is of ${proof.host}`, { remedy });
  if (until < now.getTime())
    throw new FenceUnprovedError(host, way, `the proof counted until ${validUntil}`, { remedy });
  if (from > now.getTime() + CLOCKS)
    throw new FenceUnprovedError(host, way, `the proof is of ${at}, which is to come`, { remedy: 'Set the clocks' });
}
