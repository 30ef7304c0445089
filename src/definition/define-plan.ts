import type { Connection } from '../connection/index.js';
import {
  type Addition,
  DomainDocument,
  type DomainSpec,
  defineOnlyRow,
  SETTINGS,
  secretsHidden,
} from '../domain/index.js';
import { leaves, under } from '../xml/index.js';
import type { DefineFinding } from './findings.js';
import { type DefineOptions, type PreparedDefinition, prepareDefinition } from './prepare.js';
import { type PortCapacity, portCapacity } from './room.js';

/** A part of the document that no call can ever change. */
export interface FixedPart {
  readonly path: string;
  readonly value: string;
  readonly reason: string;
  /** What comes near, where something does. */
  readonly partial?: string;
}

/** A part of the document that can be changed later, and the setting that does. */
export interface ChangeablePart {
  readonly path: string;
  readonly by: string;
}

/** What `define` would do, and what it means. An immutable value. */
export class DefinePlan {
  /** The document that would be sent, secrets and all. */
  readonly xml: string;
  /** What is in it beyond what the caller said, and why. */
  readonly added: readonly Addition[];
  /** What can never be changed afterwards. */
  readonly fixed: readonly FixedPart[];
  /** What can be, outside the devices, and by which setting. */
  readonly changeable: readonly ChangeablePart[];
  /** PCIe ports for hot-plug once it is defined; undefined for a machine without. */
  readonly capacity: PortCapacity | undefined;
  /** What refuses the definition, what to know of it, and what could not be looked at, worst first. */
  readonly findings: readonly DefineFinding[];

  /** @internal */
  constructor({ draft, findings }: PreparedDefinition) {
    this.xml = draft.document.toString();
    const document = new DomainDocument(this.xml);
    this.added = Object.freeze([...draft.added]);
    this.fixed = fixedParts(document);
    this.changeable = changeableParts(document);
    this.capacity = portCapacity(document);
    this.findings = ['refuses', 'warns', 'unknown'].flatMap((severity) =>
      findings.filter((each) => each.severity === severity),
    );
    Object.freeze(this);
  }

  /** The findings for which `define` refuses. */
  get refusals(): readonly DefineFinding[] {
    return this.findings.filter(({ severity }) => severity === 'refuses');
  }

  /** The plan as an operator reads it. The document is in it without its secrets. */
  toString(): string {
    const { added, fixed, changeable, capacity, findings } = this;
    const document = new DomainDocument(this.xml);
    const block = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines]);
    const text = [
      `Definition of domain ${document.name} (${document.uuid})`,
      ...block(
        'Added',
        added.map(({ path, value, by, why }) => `  + ${path}: ${value} (${by}: ${why})`),
      ),
      ...block('Never changes again', fixedLines(fixed)),
      ...block('Can be changed later', [`  ~ ${changeable.map(({ path, by }) => `${path} by ${by}`).join(', ')}`]),
      ...(capacity ? ['', `Hot-plug PCI slots: ${capacity.free} of ${capacity.total} free`] : []),
      ...block(
        'Findings',
        findings.map(
          ({ severity, subject, problem, remedy }) => `  ${MARK[severity]} ${subject}: ${problem}. ${remedy}`,
        ),
      ),
      '',
      this.xml,
    ].join('\n');
    return secretsHidden(document)(text);
  }

  /** The plan as plain data, without the secrets of the document. */
  toJSON(): Readonly<Record<string, unknown>> {
    const hide = secretsHidden(new DomainDocument(this.xml));
    const { xml, added, fixed, changeable, capacity, findings } = this;
    const shown = fixed.map((part) => ({ ...part, value: hide(part.value) }));
    return { xml: hide(xml), added, fixed: shown, changeable, capacity, findings };
  }

  /** What `console.log` shows: the text, since the document can hold secrets. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

const MARK: Readonly<Record<DefineFinding['severity'], string>> = { refuses: '!', warns: '·', unknown: '?' };

/** Fixed parts under the reason that they share. */
function fixedLines(fixed: readonly FixedPart[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { path, value, reason, partial } of fixed) {
    const head = `  ${reason}${partial === undefined ? '' : `. What comes near: ${partial}`}`;
    byReason.set(head, [...(byReason.get(head) ?? []), `    = ${path}${value === '' ? '' : `: ${value}`}`]);
  }
  return [...byReason].flatMap(([head, lines]) => [head, ...lines]);
}

/** Says what `define` would do, and changes nothing. */
export async function planDefine(
  connection: Connection,
  definition: string | DomainSpec,
  options: DefineOptions = {},
): Promise<DefinePlan> {
  return new DefinePlan(await prepareDefinition(connection, definition, options));
}

/** Every leaf outside devices and metadata that only a definition can set. */
function fixedParts({ root }: DomainDocument): FixedPart[] {
  return outside(root).flatMap(([path, value]) => {
    const row = defineOnlyRow(path);
    return row
      ? [{ path, value, reason: row.reason, ...(row.partial === undefined ? {} : { partial: row.partial }) }]
      : [];
  });
}

function changeableParts({ root }: DomainDocument): ChangeablePart[] {
  const found = new Map<string, ChangeablePart>();
  for (const [path] of outside(root)) {
    if (defineOnlyRow(path)) continue;
    for (const [name, { paths }] of Object.entries(SETTINGS)) {
      const part = paths.find((each) => under(path, each));
      if (part !== undefined && !found.has(part)) found.set(part, { path: part, by: `set.${name}` });
    }
  }
  return [...found.values()];
}

function outside(root: DomainDocument['root']): Array<[string, string]> {
  const all = [...leaves(root)];
  return all.filter(([path]) => !/^(devices\/(?!emulator|redirfilter)|metadata|@xmlns)/.test(path));
}
