import type { Command } from 'commander';
import type { DrainRequest, Fate } from 'libvirt-canonical/fleet';

/** How domains are placed, as the options of a command say it. */
export interface PlacementFlags {
  readonly to?: string[];
  readonly spread?: string[];
  readonly keepFree?: string;
  readonly cannotMove?: Fate;
  readonly off?: 'stay' | 'cold';
  readonly storage?: 'prove' | 'copy' | 'shared';
}

/** The request that those options are. */
export function placement({ to, spread, keepFree, cannotMove, off, storage }: PlacementFlags): DrainRequest {
  return {
    ...(to && { to }),
    ...(spread && { spread }),
    ...(keepFree !== undefined && { keepFree: { memory: keepFree as `${number} %` } }),
    ...(cannotMove !== undefined && { cannotMove }),
    ...(off !== undefined && { off }),
    ...(storage !== undefined && { storage }),
  };
}

/** Adds the options of whatever places domains. */
export const placed = (command: Command): Command =>
  command
    .option('--to <hosts...>', 'where they may go')
    .option('--spread <labels...>', 'labels over whose values they are spread')
    .option('--keep-free <memory>', "of each target: '4 GiB' or '10 %'");
/** Adds those of a drain too. */
export const drained = (command: Command): Command =>
  placed(command)
    .option('--cannot-move <fate>', 'of running domains that cannot move: refuse, stay, shutdown or cold')
    .option('--off <fate>', 'of domains that are off: stay or cold')
    .option('--storage <word>', 'prove, copy or shared');
