import { LibvirtCanonicalError } from './errors.js';
import { nearest } from './nearest.js';

/** What an option takes. `T` is the type of its values: the words of a rule are those of the type, all of them and no others. */
// biome-ignore lint/suspicious/noExplicitAny: most rules are for values of a type that no union of words describes
export interface Rule<T = any> {
  /** For people, after "must be". */
  readonly takes: string;
  /** Whether a value is one; undefined never comes here. */
  fits(value: unknown): boolean;
  /** The words that there are, for the nearest one. */
  readonly words?: readonly string[];
  /** The options within this one. */
  readonly members?: Readonly<Record<string, Rule>>;
  readonly of?: (value: T) => T;
}

/** A rule for each option of an interface: one that is added there and not here does not compile. */
export type OptionTable<Options> = { readonly [Name in keyof Options]-?: Rule<NonNullable<Options[Name]>> };

/** Where a table is used: what is wrong with options is `ARGUMENT_INVALID`, with a request `SPEC_INVALID` or `SPEC_UNKNOWN_FIELD`. */
export type Form = 'options' | 'request';

/** How options are checked: what they are, and which of them must be given. */
export interface CheckOptions<Options> {
  readonly form?: Form;
  readonly needs?: ReadonlyArray<keyof Options & string>;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isPromise = (value: unknown) => isObject(value) && typeof value.then === 'function';
const hasMethods = (value: unknown, names: readonly string[]) =>
  isObject(value) && names.every((name) => typeof value[name] === 'function');

export const ANYTHING: Rule = { takes: 'anything', fits: () => true };
export const BOOLEAN: Rule = { takes: 'true or false', fits: (value) => typeof value === 'boolean' };
export const NUMBER: Rule = { takes: 'a number', fits: (value) => typeof value === 'number' && !Number.isNaN(value) };
export const TEXT: Rule = { takes: 'a text', fits: (value) => typeof value === 'string' && value !== '' };
/** A text of one line that people are shown, and documents or storage keep. */
export const line = (takes: string): Rule => ({
  takes: `${takes} of 1 to 200 characters without control characters`,
  fits: (value) => typeof value === 'string' && /^\P{C}{1,200}$/u.test(value),
});
export const CALLBACK: Rule = { takes: 'a function', fits: (value) => typeof value === 'function' };
export const SIZE: Rule = {
  takes: "a size: bytes, or a text such as '2 GiB'",
  fits: (value) => ['string', 'number', 'bigint'].includes(typeof value),
};
export const MILLISECONDS: Rule = {
  takes: 'a number of milliseconds, 0 or more',
  fits: (value) => typeof value === 'number' && value >= 0,
};
export const PERIOD: Rule = {
  takes: 'a number of milliseconds, more than 0',
  fits: (value) => typeof value === 'number' && value > 0,
};
export const COUNT: Rule = {
  takes: 'a whole number, 1 or more',
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
};
export const SIGNAL: Rule = {
  takes: 'an AbortSignal, such as the `signal` of an AbortController',
  fits: (value) => hasMethods(value, ['addEventListener', 'removeEventListener']) && 'aborted' in (value as object),
};
export const TEXTS: Rule = {
  takes: 'an array of texts',
  fits: (value) => Array.isArray(value) && value.every((each) => TEXT.fits(each)),
};
export const LIST: Rule = { takes: 'an array', fits: (value) => Array.isArray(value) };
export const OBJECT: Rule = {
  takes: 'an object',
  fits: (value) => isObject(value) && !Array.isArray(value) && !isPromise(value),
};

/** One of these words. */
export function words<Word extends string>(...all: readonly Word[]): Rule<Word> {
  return { takes: inWords(all.map((each) => `'${each}'`)), fits: (value) => all.includes(value as Word), words: all };
}

/** An object with these methods. */
export function methods(takes: string, ...names: readonly string[]): Rule {
  return { takes: `${takes}, with the methods ${names.join(', ')}`, fits: (value) => hasMethods(value, names) };
}

/** Options within an option. */
export function group<Options>(members: OptionTable<Options>): Rule<Options> {
  return {
    fits: OBJECT.fits,
    takes: `an object of ${Object.keys(members).join(', ')}`,
    members: members as Readonly<Record<string, Rule>>,
  };
}

/** The rule, or a value beside it, such as `false`. */
export function or(rule: Rule, value: unknown): Rule {
  return { ...rule, takes: `${rule.takes}, or ${value}`, fits: (given) => given === value || rule.fits(given) };
}

/** Checks options before anything is done: a name that is none, and a value that its option does not take, are refused. */
export function checkOptions<Options>(
  method: string,
  options: unknown,
  table: OptionTable<Options>,
  { form = 'options', needs = [] }: CheckOptions<Options> = {},
): void {
  if (options === undefined && needs.length === 0) return;
  if (!OBJECT.fits(options) || SIGNAL.fits(options)) {
    const remedy = SIGNAL.fits(options)
      ? 'Write { signal }'
      : isPromise(options)
        ? 'Await it first'
        : `There are ${inWords(Object.keys(table), 'and')}`;
    throw wrong(form, method, form, `must be an object, got ${shown(options)}`, remedy);
  }
  checkMembers(method, options as Record<string, unknown>, table as Readonly<Record<string, Rule>>, '', form);
  for (const name of needs as readonly string[])
    if ((options as Record<string, unknown>)[name] === undefined)
      throw wrong(
        form,
        method,
        name,
        `is missing: it must be ${(table as Readonly<Record<string, Rule>>)[name]?.takes}`,
      );
}

function checkMembers(
  method: string,
  given: Record<string, unknown>,
  table: Readonly<Record<string, Rule>>,
  at: string,
  form: Form,
): void {
  // What an object inherits from its caller's defaults counts as well.
  for (const name in given) {
    const path = `${at}${name}`;
    const rule = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!rule) {
      const near = nearest(name, Object.keys(table));
      const code = form === 'request' ? 'SPEC_UNKNOWN_FIELD' : 'ARGUMENT_INVALID';
      const names = `There ${Object.keys(table).length === 1 ? 'is' : 'are'} ${inWords(Object.keys(table), 'and')}`;
      throw new LibvirtCanonicalError(
        code,
        `${method}: there is no ${form === 'request' ? 'field' : 'option'} "${path}"`,
        {
          path,
          remedy: near === undefined ? names : `Did you mean ${at}${near}? ${names}`,
        },
      );
    }
    const value = given[name];
    if (value === undefined) continue;
    if (!rule.fits(value)) {
      const near = misspelt(value, rule.words ?? []);
      throw wrong(
        form,
        method,
        path,
        `must be ${rule.takes}, got ${shown(value)}`,
        near === undefined ? undefined : `Did you mean '${near}'?`,
      );
    }
    if (rule.members && OBJECT.fits(value))
      checkMembers(method, value as Record<string, unknown>, rule.members, `${path}.`, form);
  }
}

/** The word that was meant by a text, or by the first of several that is none of the words. */
function misspelt(value: unknown, known: readonly string[]): string | undefined {
  const word = Array.isArray(value) ? value.find((each) => !known.includes(each)) : value;
  return typeof word === 'string' ? nearest(word, known) : undefined;
}

/** Checks one argument that is not an object of options. */
export function checkArgument(method: string, name: string, value: unknown, rule: Rule, form: Form = 'options'): void {
  if (value !== undefined && rule.fits(value)) return;
  const remedy = isPromise(value) ? 'Await it first' : undefined;
  throw wrong(form, method, name, `must be ${rule.takes}, got ${shown(value)}`, remedy);
}

function wrong(form: Form, method: string, path: string, problem: string, remedy?: string): LibvirtCanonicalError {
  const code = form === 'request' ? 'SPEC_INVALID' : 'ARGUMENT_INVALID';
  return new LibvirtCanonicalError(
    code,
    `${method}: ${path} ${problem}`,
    remedy === undefined ? { path } : { path, remedy },
  );
}

/** A value as a message may show it: never what an object or a long text holds. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (!isObject(value)) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (isPromise(value)) return 'a promise';
  const { name = '' } = (value.constructor ?? {}) as { name?: string };
  return name === '' || name === 'Object' ? 'an object' : `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`;
}

function inWords(list: readonly string[], last = 'or'): string {
  return list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} ${last} ${list.at(-1)}`;
}
