import { checkArgument, checkOptions, type Form, type OptionTable, type Rule } from '../options.js';
import { type MethodTrace, methodTrace } from '../tracing.js';

/** The check of one argument of a method. `T` is the type of the argument, so that a table fits its options exactly. */
export interface Arg<T> {
  check(method: string, value: unknown): void;
  readonly of?: (value: T) => T;
}

/** The arguments of a method, each with its check; `Door` of a method that takes none is empty. */
type MethodChecks<Method> = Method extends (...args: infer Args) => unknown
  ? { readonly [At in keyof Args]-?: Arg<NonNullable<Args[At]>> }
  : never;

/** A door for every public method of a class: one without does not compile. `toString` takes nothing and promises nothing. */
export type ArgumentChecks<Class> = {
  readonly [Name in Exclude<keyof Class, 'toString'> as Class[Name] extends (...args: never[]) => unknown
    ? Name
    : never]: MethodChecks<Class[Name]>;
};

/** An object of options: every name and every word is known. `needs` are those that must be given. */
export function options<T>(table: OptionTable<T>, ...needs: ReadonlyArray<keyof T & string>): Arg<T> {
  return { check: (method, value) => checkOptions(method, value, table, { needs }) };
}

/** A request, which must be given. */
export function request<T>(table: OptionTable<T>, ...needs: ReadonlyArray<keyof T & string>): Arg<T> {
  return { check: (method, value) => checkOptions(method, value ?? null, table, { form: 'request', needs }) };
}

/** An argument that must be given, by a rule. */
// biome-ignore lint/suspicious/noExplicitAny: it stands for whatever the method takes
export function required(name: string, rule: Rule, form: Form = 'options'): Arg<any> {
  return { check: (method, value) => checkArgument(method, name, value, rule, form) };
}

/** An argument with a check of its own. */
// biome-ignore lint/suspicious/noExplicitAny: it stands for whatever the method takes
export function checked(check: (method: string, value: unknown) => void): Arg<any> {
  return { check };
}

/**
 * Puts the checks before the methods of a class, once. What is wrong rejects, or, of a method in `streams`, which returns
 * no promise, is thrown. Each method that returns a promise is traced.
 */
export function guard<Class extends object>(
  name: string,
  of: { readonly prototype: Class },
  doors: ArgumentChecks<Class>,
  streams: ReadonlyArray<keyof Class> = [],
): void {
  for (const [own, door] of Object.entries(doors) as Array<[string, ReadonlyArray<Arg<unknown>>]>) {
    const method = (of.prototype as Record<string, unknown>)[own] as (...args: unknown[]) => unknown;
    const check = (args: readonly unknown[]) => {
      for (const [at, each] of door.entries()) each.check(own, args[at]);
    };
    const guarded = streams.includes(own as keyof Class)
      ? function (this: Class, ...args: unknown[]) {
          check(args);
          return method.apply(this, args);
        }
      : function (this: Class, ...args: unknown[]) {
          return methodTrace.promise(
            () => traceOf(`${name}.${own}`, this),
            async () => {
              check(args);
              return await method.apply(this, args);
            },
          );
        };
    Object.defineProperty(guarded, 'name', { value: own });
    Object.defineProperty(of.prototype, own, { value: guarded, writable: true, configurable: true });
  }
}

/** What is told of a method: which it is, and whose. */
function traceOf(method: string, self: object): MethodTrace {
  const { name, uuid } = self as { readonly name?: unknown; readonly uuid?: unknown };
  return typeof uuid === 'string' && typeof name === 'string' ? { method, domain: { name, uuid } } : { method };
}
