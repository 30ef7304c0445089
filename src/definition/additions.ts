import { type Addition, DomainDocument } from '../domain/index.js';
import { child, children, type Element, serialize, setAt, valueAt } from '../xml/index.js';

/** A definition on its way to the define call: the document, and what was put into it beyond what the caller said. */
export class Draft {
  #document: DomainDocument;
  readonly added: Addition[] = [];

  constructor(document: DomainDocument) {
    this.#document = document;
  }

  /** The document as it is now. Its root is this draft's own, to be changed. */
  get document(): DomainDocument {
    return this.#document;
  }

  get root(): DomainDocument['root'] {
    return this.#document.root;
  }

  /** Reads the devices anew, after some were added. */
  reread(): void {
    this.#document = new DomainDocument(serialize(this.root));
  }

  /** Sets a value of `<domain>` and says why; one that is so already is not an addition. */
  add(path: string, value: string, why: string): void {
    if (valueAt(this.root, path) === value) return;
    placeOf(this.root, path.split('/')[0] as string);
    setAt(this.root, path, value);
    this.say(path, value, why);
  }

  /** Says that something was put into the document. */
  say(path: string, value: string, why: string): void {
    this.added.push({ path, value, by: 'library', why });
  }
}

/** Elements that are added, and those that libvirt writes after them, in its order. */
const ORDER = [
  'name',
  'uuid',
  'metadata',
  'maxMemory',
  'memory',
  'currentMemory',
  'vcpu',
  'os',
  'features',
  'cpu',
  'devices',
];

/**
 * Makes an element where libvirt writes it. Its schema takes any order, but libxml2 refuses some of those that are right
 * (RelaxNG interleave with parts of one group apart).
 */
function placeOf(root: Element, name: string): void {
  const at = ORDER.indexOf(name);
  if (at < 0 || name.startsWith('@') || child(root, name)) return;
  const later = new Set(ORDER.slice(at + 1));
  const next = children(root).find(({ nodeName }) => later.has(nodeName));
  const made = (root.ownerDocument as NonNullable<Element['ownerDocument']>).createElement(name);
  root.insertBefore(made, next ?? null);
}
