import { type Addition, DomainDocument } from '../domain/index.js';
import { serialize, setAt, valueAt } from '../xml/index.js';

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
    setAt(this.root, path, value);
    this.say(path, value, why);
  }

  /** Says that something was put into the document. */
  say(path: string, value: string, why: string): void {
    this.added.push({ path, value, by: 'library', why });
  }
}
