import type { ChangeRequest, DomainSpec, ManagedDomain, Plan, TowardsOptions } from '../index.js';
import { UsageError } from './exit.js';
import { type Input, readInputs } from './input.js';
import type { Session } from './session.js';
import { deviceWords, selectorWords, settingWords, updateWords } from './words.js';

/** What of a request stands on the command line. */
export interface RequestOptions {
  readonly file?: string;
  readonly attach?: readonly string[];
  readonly detach?: readonly string[];
  readonly update?: readonly string[];
  readonly set?: readonly string[];
  readonly scope?: string;
  readonly replace?: string;
  readonly ifNotLive?: string;
  readonly detachOrder?: string;
}

/** One domain, and what is to become of it. */
export type Planned =
  | { readonly domain: ManagedDomain; readonly plan: Plan }
  | { readonly define: DomainSpec | string; readonly name: string };

/** Plans what was asked, for the one domain or for all that the files name. A domain that is not there is to be defined. */
export async function planAsked(
  session: Session,
  name: string | undefined,
  options: RequestOptions,
): Promise<Planned[]> {
  const words = await requestFromWords(options);
  const inputs = options.file === undefined ? [] : await readInputs(options.file);
  if (inputs.length === 0 && Object.keys(words).length === 0)
    throw new UsageError('Nothing was asked for: give --attach, --detach, --update, --set, or a file with -f');
  const manager = await session.manager();
  const { signal } = session;
  if (inputs.length === 0) return [await planChange(session, name, words)];
  const [first] = inputs;
  if (inputs.length === 1 && first?.kind === 'change')
    return [await planChange(session, name, merged(first.request, words))];
  const { scope, attach, detach, update, ...towards } = words;
  if ([scope, attach, detach, update].some((each) => each !== undefined))
    throw new UsageError('A whole domain in a file takes no --attach, --detach, --update and --scope: write it there');
  if (name !== undefined && inputs.length > 1) throw new UsageError('The files name their domains: leave the name out');
  const planned: Planned[] = [];
  for (const input of inputs) {
    if (input.kind === 'change') throw new UsageError(`${input.from} holds change requests: give one, and its domain`);
    const which = name ?? input.name;
    if (which === undefined) throw new UsageError(`${input.from} does not name its domain`);
    const domain = await manager.get(which, { signal }).catch((error: { code?: unknown }) => {
      if (error.code !== 'DOMAIN_NOT_FOUND') throw error;
    });
    if (!domain) planned.push({ define: input.desired, name: which });
    else
      planned.push({
        domain,
        plan: await domain.planTowards(input.desired, { ...(towards as TowardsOptions), signal }),
      });
  }
  return planned;
}

async function planChange(session: Session, name: string | undefined, request: ChangeRequest): Promise<Planned> {
  if (name === undefined) throw new UsageError('Which domain? Give its name first');
  const domain = await session.domain(name);
  return { domain, plan: await domain.plan(request, { signal: session.signal }) };
}

async function requestFromWords(options: RequestOptions): Promise<ChangeRequest> {
  const { attach = [], detach = [], update = [], set = [] } = options;
  const { scope, replace, ifNotLive, detachOrder } = options;
  const devices = await Promise.all(attach.map(deviceWords));
  const request = {
    ...(devices.length > 0 ? { attach: devices } : {}),
    ...(detach.length > 0 ? { detach: detach.map(selectorWords) } : {}),
    ...(update.length > 0 ? { update: await Promise.all(update.map(updateWords)) } : {}),
    ...(set.length > 0 ? { set: await settingWords(set) } : {}),
    ...Object.fromEntries(
      Object.entries({ scope, replace, ifNotLive, detachOrder }).filter(([, value]) => value !== undefined),
    ),
  };
  // What is wrong in it is for the library to say, by its path.
  return request as unknown as ChangeRequest;
}

/** What a file asks for, and what the command line does: lists together, a setting of the command line first. */
function merged(file: ChangeRequest, words: ChangeRequest): ChangeRequest {
  const both = <T>(a: readonly T[] | undefined, b: readonly T[] | undefined) =>
    a === undefined && b === undefined ? undefined : [...(a ?? []), ...(b ?? [])];
  const lists = {
    attach: both(file.attach, words.attach),
    detach: both(file.detach, words.detach),
    update: both(file.update, words.update),
    set: file.set || words.set ? { ...file.set, ...words.set } : undefined,
  };
  const given = Object.fromEntries(Object.entries(lists).filter(([, value]) => value !== undefined));
  return { ...file, ...words, ...given };
}

/** The domains that inputs define; a change request defines none. */
export function definitions(
  inputs: readonly Input[],
): { readonly name: string; readonly definition: DomainSpec | string }[] {
  return inputs.map((input) => {
    if (input.kind === 'change')
      throw new UsageError(
        `${input.from} is a change request, or has no name: a domain has one. \`lvc plan\` takes requests`,
      );
    return { name: input.name ?? input.from, definition: input.desired };
  });
}
