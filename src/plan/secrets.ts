import {
  type Device,
  type DomainDocument,
  type MutatorCall,
  metadataText,
  type ObservedDomain,
  type Operation,
  OWN_METADATA,
  REDACTED,
  readDevice,
  secretPaths,
  type Withheld,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { parseElement, serialize, setAt } from '../xml/index.js';

type Step = Omit<Operation, 'inverse'>;
/** This library's own elements that hold no secrets. */
const OPEN: readonly string[] = [OWN_METADATA.intent.uri, OWN_METADATA.storage.uri];

/** What becomes of the texts of others' metadata, which can be secrets of their owners. */
export type MetadataTexts = 'withheld' | 'kept';

/**
 * An operation without the secrets that its call holds: in the place of each stands a word, and beside it which document
 * has the value. What no document has is what the caller gave.
 */
export function withoutSecrets<T extends Step>(
  operation: T,
  context: ObservedDomain | undefined,
  metadataTexts: MetadataTexts,
): T {
  const { call } = operation;
  if (operation.withheld !== undefined || !context) return operation;
  if (call.procedure === 'DOMAIN_SET_METADATA') {
    if (metadataTexts === 'kept') return operation;
    const { type, uri, metadata } = call.args;
    if (type !== ELEMENT || uri === null || OPEN.includes(uri) || metadata === null) return operation;
    const from = sides(context).find(([, document]) => metadataText(document, uri) === metadata)?.[0];
    const withheld = [{ path: METADATA, ...(from === undefined ? {} : { from }) }];
    return { ...operation, call: { ...call, args: { ...call.args, metadata: REDACTED } }, withheld };
  }
  if (!('xml' in call.args)) return operation;
  const device = readDevice(parseElement(call.args.xml));
  const paths = secretPaths(device.kind, device.leaves);
  if (paths.length === 0) return operation;
  const withheld = paths.map((path) => origin(device, path, context));
  for (const path of paths) setAt(device.element, path, REDACTED);
  return { ...operation, call: withXml(call, serialize(device.element)), withheld };
}

/** The operation with the secrets that it leaves to the documents. `PLAN_REFUSED` when one of them is in neither. */
export function withSecrets<T extends Step>(operation: T, context: ObservedDomain): T {
  const { withheld, ...rest } = operation;
  if (withheld === undefined) return operation;
  const { call } = operation;
  const values = withheld.map((each) => [each.path, secretOf(each, call, context)] as const);
  const missing = values.find(([, value]) => value === undefined);
  if (missing) {
    throw new LibvirtCanonicalError(
      'PLAN_REFUSED',
      `${operation.action} of ${operation.subject} sets a secret (${missing[0]}), and the plan was read from JSON, which holds none`,
      { device: operation.subject, remedy: 'Plan the request again, and apply that plan' },
    );
  }
  if (call.procedure === 'DOMAIN_SET_METADATA')
    return { ...rest, call: { ...call, args: { ...call.args, metadata: values[0]?.[1] } } } as unknown as T;
  if (!('xml' in call.args)) return operation;
  const element = parseElement(call.args.xml);
  for (const [path, value] of values) setAt(element, path, value);
  return { ...rest, call: withXml(call, serialize(element)) } as unknown as T;
}

/** virDomainMetadataType: an element of its own namespace. */
const ELEMENT = 2;
const METADATA = 'metadata';

function sides({ canonical, live }: ObservedDomain): Array<['canonical' | 'live', DomainDocument]> {
  return [['canonical', canonical], ...(live ? [['live', live] as ['live', DomainDocument]] : [])];
}

/** Which document has the value that a device of a call has at a path. */
function origin(device: Device, path: string, context: ObservedDomain): Withheld {
  const value = device.leaves.get(path);
  for (const [from, document] of sides(context)) {
    const holder = document.counterpart(device);
    if (holder && holder.leaves.get(path) === value) return { path, from, device: holder.identity };
  }
  return { path };
}

function secretOf({ path, from, device }: Withheld, call: MutatorCall, context: ObservedDomain): string | undefined {
  const document = from && context[from];
  if (call.procedure === 'DOMAIN_SET_METADATA') return document && metadataText(document, call.args.uri ?? '');
  return document?.devices.find(({ identity }) => identity === device)?.leaves.get(path);
}

function withXml(call: MutatorCall, xml: string): MutatorCall {
  return { ...call, args: { ...call.args, xml } } as MutatorCall;
}
