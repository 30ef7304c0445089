import type { Element } from '../../src/xml/index.js';
import { type Grammar, namesOf, PREFIXES, patternsIn } from '../../test/domain/schema/grammar.js';
import { SAMPLES_AT, SAMPLES_OF, SAMPLES_OF_TYPE } from './samples.js';

/** What is taken at places of a pattern where something else than the smallest can be: by place, the number of the alternative. */
export type Choices = ReadonlyMap<string, number>;

/** An element as it is built. */
interface Node {
  readonly name: string;
  readonly attributes: Map<string, string>;
  readonly children: Node[];
  text: string;
}

/** Where a pattern stands: its key, the elements around it, and the references that led to it. */
interface Place {
  readonly key: string;
  readonly path: string;
  readonly refs: readonly string[];
}

/** A pattern that no finite element follows, or none that is XML. */
class Unbuildable extends Error {}

/** The elements that a grammar allows directly below another, by the element patterns themselves. */
export function elementsBelow(grammar: Grammar, define: string, inside?: string): Element[] {
  const found: Element[] = [];
  const visit = (node: Element, refs: ReadonlySet<string>): void => {
    for (const child of patternsIn(node)) {
      if (child.nodeName === 'element') {
        if (!found.includes(child)) found.push(child);
      } else if (child.nodeName === 'ref') {
        const name = child.getAttribute('name') ?? '';
        if (!refs.has(name)) for (const each of grammar.get(name) ?? []) visit(each, new Set([...refs, name]));
      } else visit(child, refs);
    }
  };
  for (const node of grammar.get(define) ?? []) {
    if (inside === undefined) visit(node, new Set([define]));
    else for (const child of patternsIn(node)) if (namesOf(child).includes(inside)) visit(child, new Set([define]));
  }
  return found;
}

/** Builds elements of one pattern, and lists what can be chosen in it. */
export class Grower {
  readonly #grammar: Grammar;
  readonly #pattern: Element;
  readonly name: string;

  constructor(grammar: Grammar, pattern: Element) {
    this.#grammar = grammar;
    this.#pattern = pattern;
    this.name = namesOf(pattern)[0] ?? '';
  }

  /** The smallest element with these choices; undefined when there is none. */
  build(choices: Choices): string | undefined {
    const root: Node = { name: '', attributes: new Map(), children: [], text: '' };
    try {
      this.#build(this.#pattern, { key: '', path: '', refs: [] }, choices, root);
    } catch (error) {
      if (error instanceof Unbuildable) return undefined;
      throw error;
    }
    return root.children[0] && written(root.children[0], true);
  }

  /** Every place where something else can be taken, with what leads to it: each part of the pattern once. */
  *targets(): Generator<Choices> {
    yield new Map();
    yield* this.#targets(this.#pattern, { key: '', path: '', refs: [] }, new Map());
  }

  #build(node: Element, place: Place, choices: Choices, into: Node): void {
    const inside = (other = place) =>
      patternsIn(node).forEach((child, index) => {
        this.#build(child, below(other, index), choices, into);
      });
    switch (node.nodeName) {
      case 'element': {
        const name = nameIn(node, choices.get(place.key) ?? 0);
        const made: Node = { name, attributes: new Map(), children: [], text: '' };
        into.children.push(made);
        patternsIn(node).forEach((child, index) => {
          this.#build(child, below({ ...place, path: `${place.path}/${name}` }, index), choices, made);
        });
        return;
      }
      case 'attribute': {
        const name = nameIn(node, choices.get(place.key) ?? 0);
        const value: Node = { name: '', attributes: new Map(), children: [], text: '' };
        const at = { ...place, path: `${place.path}/@${name}` };
        const patterns = patternsIn(node);
        patterns.forEach((child, index) => {
          this.#build(child, below(at, index), choices, value);
        });
        if (patterns.length === 0) value.text = samples(undefined, at)[choices.get(`${place.key}.0`) ?? 0] ?? 'text';
        into.attributes.set(name, value.text);
        return;
      }
      case 'optional':
      case 'zeroOrMore':
      case 'oneOrMore': {
        const least = node.nodeName === 'oneOrMore' ? 1 : 0;
        const times = choices.get(place.key) ?? least;
        for (let n = 0; n < times; n++) inside(n === 0 ? place : { ...place, key: `${place.key}x${n}` });
        return;
      }
      case 'choice': {
        const taken = choices.get(place.key);
        const all = [...patternsIn(node).entries()].filter(([index]) => taken === undefined || index === taken);
        // The first that can be, when nothing is chosen: a schema that holds itself has one that ends.
        for (const [index, child] of all.sort(([, a], [, b]) => rank(a) - rank(b))) {
          const attempt: Node = { ...into, attributes: new Map(into.attributes), children: [...into.children] };
          try {
            this.#build(child, below(place, index), choices, attempt);
          } catch (error) {
            if (error instanceof Unbuildable && taken === undefined) continue;
            throw error;
          }
          for (const [name, value] of attempt.attributes) into.attributes.set(name, value);
          into.children.splice(0, into.children.length, ...attempt.children);
          into.text = attempt.text;
          return;
        }
        throw new Unbuildable(place.path);
      }
      case 'ref': {
        const name = node.getAttribute('name') ?? '';
        if (place.refs.filter((each) => each === name).length > 1) throw new Unbuildable(name);
        for (const [index, define] of (this.#grammar.get(name) ?? []).entries())
          patternsIn(define).forEach((child, n) => {
            this.#build(
              child,
              { ...place, key: `${place.key}>${index}.${n}`, refs: [...place.refs, name] },
              choices,
              into,
            );
          });
        return;
      }
      case 'value':
        into.text += node.textContent ?? '';
        return;
      case 'data':
      case 'text':
        into.text += samples(node, place)[choices.get(place.key) ?? 0] ?? '';
        return;
      case 'notAllowed':
      case 'anyName':
        throw new Unbuildable(place.path);
      case 'empty':
      case 'name':
        return;
      default:
        inside();
    }
  }

  *#targets(node: Element, place: Place, chosen: Choices): Generator<Choices> {
    const inside = function* (this: Grower, at: Place, choices: Choices): Generator<Choices> {
      for (const [index, child] of patternsIn(node).entries()) yield* this.#targets(child, below(at, index), choices);
    }.bind(this);
    const choose = (option: number): Choices => new Map([...chosen, [place.key, option]]);
    switch (node.nodeName) {
      case 'element':
      case 'attribute': {
        const names = namesOf(node);
        for (let index = 1; index < names.length; index++) yield choose(index);
        const name = names[0] ?? 'any';
        const at = { ...place, path: `${place.path}/${node.nodeName === 'attribute' ? '@' : ''}${name}` };
        yield* inside(at, chosen);
        if (node.nodeName === 'attribute' && patternsIn(node).length === 0)
          for (let index = 1; index < samples(undefined, at).length; index++)
            yield new Map([...chosen, [`${place.key}.0`, index]]);
        return;
      }
      case 'optional':
        yield choose(1);
        yield* inside(place, choose(1));
        return;
      case 'zeroOrMore':
        yield choose(1);
        yield* inside(place, choose(1));
        yield choose(2);
        yield* inside({ ...place, key: `${place.key}x1` }, choose(2));
        return;
      case 'oneOrMore':
        yield* inside(place, chosen);
        yield choose(2);
        return;
      case 'choice':
        for (const [index, child] of patternsIn(node).entries()) {
          yield choose(index);
          if (child.nodeName !== 'value') yield* this.#targets(child, below(place, index), choose(index));
        }
        return;
      case 'ref': {
        const name = node.getAttribute('name') ?? '';
        if (place.refs.includes(name)) return;
        for (const [index, define] of (this.#grammar.get(name) ?? []).entries())
          for (const [n, child] of patternsIn(define).entries())
            yield* this.#targets(
              child,
              { ...place, key: `${place.key}>${index}.${n}`, refs: [...place.refs, name] },
              chosen,
            );
        return;
      }
      case 'data':
      case 'text':
        for (let index = 1; index < samples(node, place).length; index++) yield choose(index);
        return;
      default:
        yield* inside(place, chosen);
    }
  }
}

function below(place: Place, index: number): Place {
  return { ...place, key: `${place.key}.${index}` };
}

/** The order in which alternatives are tried for the smallest: the end of a backing chain before another image of it. */
function rank(node: Element): number {
  if (node.getAttribute('name') === 'diskBackingStoreLast') return -1;
  return node.nodeName === 'notAllowed' || node.nodeName === 'empty' ? 1 : 0;
}

function nameIn(node: Element, index: number): string {
  const name = namesOf(node)[index];
  if (name === undefined) throw new Unbuildable('any name');
  if (node.nodeName === 'attribute' || name.includes(':')) return name;
  // An element is in the namespace of the pattern around it.
  let around: Element | null = node;
  while (around?.getAttribute && !around.getAttribute('ns')) around = around.parentNode as Element | null;
  return (PREFIXES[around?.getAttribute?.('ns') ?? ''] ?? '') + name;
}

const BY_LENGTH = Object.entries(SAMPLES_AT).sort(([a], [b]) => b.length - a.length);
const known = new Map<string, readonly string[] | undefined>();

function samples(node: Element | undefined, { path, refs }: Place): readonly string[] {
  if (!known.has(path)) {
    const row = BY_LENGTH.find(([end]) =>
      /^[a-z]/i.test(end) ? `/${end}` === path || path.endsWith(`/${end}`) : path.endsWith(end),
    );
    known.set(path, row?.[1]);
  }
  const here = known.get(path);
  if (here) return here;
  if (node?.nodeName === 'data') {
    const define = [...refs].reverse().find((name) => SAMPLES_OF[name]);
    // The innermost define is the data type's own; one further out is about something around it.
    if (define !== undefined && define === refs.at(-1)) return SAMPLES_OF[define] ?? [];
    const type = SAMPLES_OF_TYPE[node.getAttribute('type') ?? ''] ?? ['text'];
    return type;
  }
  return ['text'];
}

const XMLNS: Readonly<Record<string, string>> = { qemu: 'http://libvirt.org/schemas/domain/qemu/1.0' };

function written({ name, attributes, children, text }: Node, outermost = false): string {
  const prefix = name.split(':')[0] ?? '';
  const own = outermost && name.includes(':') && XMLNS[prefix] ? ` xmlns:${prefix}='${XMLNS[prefix]}'` : '';
  const start = `<${name}${own}${[...attributes].map(([key, value]) => ` ${key}='${escaped(value)}'`).join('')}`;
  const content = escaped(text) + children.map((each) => written(each)).join('');
  return content === '' ? `${start}/>` : `${start}>${content}</${name}>`;
}

function escaped(text: string): string {
  return text
    .replace(/&(?!#)/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll("'", '&apos;');
}
