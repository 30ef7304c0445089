/** What can be proved of a machine; the columns of the table that `npm run machines` prints. */
export const EVENTS = [
  'define with room',
  'plug in',
  'fill up',
  'refusals',
  'unplug',
  'reset',
  'cold boot',
  'guest',
] as const;
export type Event = (typeof EVENTS)[number];
