import { checkOptions, PERIOD, TEXT } from '../../options.js';
import { type Fence, FenceUnprovedError, proofNow } from './proof.js';

/** A person's word that a host is off. */
export interface Confirmation {
  /** Who says so, for the audit. */
  readonly by: string;
  /** The host that it is about, by its name in the fleet. */
  readonly host: string;
  /** What was done and seen: `pulled both cords in rack 4`. */
  readonly says?: string | undefined;
}

/** Milliseconds that a word counts when nothing else is said. */
const HOUR = 3_600_000;

/**
 * Takes a person's word: the one proof that needs no way to the host, and the one that can be wrong without a trace. `validFor`:
 * milliseconds, by default an hour. `ARGUMENT_INVALID` for a word without a name.
 *
 * @example
 * const fence = personConfirms({ by: 'carol', host: 'a', says: 'pulled both cords' });
 */
export function personConfirms(confirmation: Confirmation, options: { readonly validFor?: number } = {}): Fence {
  checkOptions<Confirmation>(
    'personConfirms',
    confirmation ?? null,
    { by: TEXT, host: TEXT, says: TEXT },
    { needs: ['by', 'host'] },
  );
  checkOptions<{ validFor?: number }>('personConfirms', options, { validFor: PERIOD });
  const { by, host: about, says = 'it is off' } = confirmation;
  return {
    way: 'person',
    async prove(host) {
      if (host !== about)
        throw new FenceUnprovedError(host, 'person', `${by} speaks of ${about}`, {
          remedy: 'Let somebody look at the right one, and say so',
        });
      return proofNow({ host, way: 'person', by, says }, options.validFor ?? HOUR);
    },
  };
}
