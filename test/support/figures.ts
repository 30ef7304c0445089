/** What the suite counts; the test runner adds it up over all files and shows it before its closing line. */
export type FigureName =
  | 'faults injected'
  | 'kills survived'
  | 'random operations run'
  | 'domains lost'
  | 'documents converged';

/** Prints what a test counted, in the form that the test runner looks for. */
export function tellFigures(figures: Readonly<Partial<Record<FigureName, number>>>): void {
  const each = Object.entries(figures).map(([name, count]) => `${name} ${count}`);
  console.log(`figures: ${each.join(', ')}`);
}
