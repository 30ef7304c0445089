/** Returns the word most like the one given, or undefined if none is near enough to be what was meant. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const allowed = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let least = allowed + 1;
  for (const candidate of words) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** The beginning of a remedy: `Did you mean NAME? ` when one of the words is near enough to have been meant, else nothing. */
export function meant(word: unknown, words: Iterable<string>): string {
  const near = typeof word === 'string' ? nearest(word, words) : undefined;
  return near === undefined ? '' : `Did you mean ${near}? `;
}

/** How many letters have to be added, left out, replaced or swapped with the next to make one word of the other. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1];
    for (let at = 0; at < to.length; at++) {
      const replaced = (row[at] as number) + (from[index] === to[at] ? 0 : 1);
      const swapped = at > 0 && from[index] === to[at - 1] && from[index - 1] === to[at] ? before[at - 1] : undefined;
      next.push(Math.min(replaced, (row[at + 1] as number) + 1, (next[at] as number) + 1, (swapped ?? Infinity) + 1));
    }
    before = row;
    row = next;
  }
  return row[to.length] as number;
}
