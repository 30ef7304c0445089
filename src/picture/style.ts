/** The colours of the picture. What they tell is told by borders, marks and words too. */
interface Palette {
  readonly paper: string;
  readonly text: string;
  readonly dim: string;
  readonly line: string;
  readonly box: string;
  readonly bus: string;
  readonly moves: readonly [ink: string, fill: string];
  readonly comes: readonly [ink: string, fill: string];
  readonly goes: readonly [ink: string, fill: string];
  readonly changes: readonly [ink: string, fill: string];
}

const LIGHT: Palette = {
  paper: '#ffffff',
  text: '#1f2328',
  dim: '#59636e',
  line: '#8c959f',
  box: '#f6f8fa',
  bus: '#e7ecf0',
  moves: ['#7d4e00', '#fff8c5'],
  comes: ['#116329', '#dafbe1'],
  goes: ['#a40e26', '#ffebe9'],
  changes: ['#0550ae', '#ddf4ff'],
};

const DARK: Palette = {
  paper: '#0d1117',
  text: '#f0f6fc',
  dim: '#a6b0ba',
  line: '#6e7781',
  box: '#1b222b',
  bus: '#2a313a',
  moves: ['#e3b341', '#332701'],
  comes: ['#56d364', '#0b2b16'],
  goes: ['#ff938a', '#3d1315'],
  changes: ['#79c0ff', '#0c2447'],
};

/** Fonts in which each character is as wide as any other. */
export const FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

/** The style sheet of a picture, for light and dark: colours only, so that every box is as large in both. */
export const SVG_STYLE = `${rules(LIGHT)}@media (prefers-color-scheme:dark){${rules(DARK)}}`;

function rules(colours: Palette): string {
  const states = (['moves', 'comes', 'goes', 'changes'] as const).map((state) => {
    const [ink, fill] = colours[state];
    return `.lvc .${state} rect{fill:${fill};stroke:${ink}}.lvc .${state} .state{fill:${ink}}.lvc .${state} path{stroke:${ink}}`;
  });
  return [
    `.lvc .paper{fill:${colours.paper}}`,
    `.lvc text{fill:${colours.text}}`,
    `.lvc .dim{fill:${colours.dim}}`,
    `.lvc rect{fill:${colours.box};stroke:${colours.line}}`,
    `.lvc .bus rect,.lvc .port rect{fill:${colours.bus}}`,
    `.lvc .free rect{fill:none}.lvc .free text{fill:${colours.dim}}`,
    `.lvc .edge{stroke:${colours.line}}`,
    `.lvc .mark{stroke:${colours.text}}.lvc .mark.intent{fill:${colours.text}}`,
    ...states,
  ].join('');
}

/** Colours of the page around it. */
export const PAGE_STYLE = `${page(LIGHT)}@media (prefers-color-scheme:dark){${page(DARK)}}`;

function page({ paper, text, dim, line, box }: Palette): string {
  return [
    `body{background:${paper};color:${text}}`,
    `a{color:inherit}`,
    `.dim{color:${dim}}`,
    `th,td,pre{border-color:${line}}`,
    `pre,tr:target{background:${box}}`,
  ].join('');
}
