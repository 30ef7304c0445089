import { LibvirtCanonicalError } from '../errors.js';
import { VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE } from './generated/constants.js';
import { migrationProblem } from './migration-guard.js';
import type { AnyProcedure } from './procedures.js';

/** Procedures that give a domain another document. */
const DEFINING: ReadonlySet<AnyProcedure> = new Set<AnyProcedure>([
  'DOMAIN_DEFINE_XML',
  'DOMAIN_DEFINE_XML_FLAGS',
  'DOMAIN_CREATE_XML',
  'DOMAIN_CREATE_XML_WITH_FILES',
]);

const UNDEFINING: ReadonlySet<AnyProcedure> = new Set<AnyProcedure>(['DOMAIN_UNDEFINE', 'DOMAIN_UNDEFINE_FLAGS']);

/** Keeps the promise that a domain is defined once and never again. One for each connection. */
export class RedefineGuard {
  readonly #allow: boolean;
  /** UUIDs this connection has defined or undefined. */
  readonly #spent = new Set<string>();

  constructor(redefine: 'refuse' | 'allow') {
    this.#allow = redefine === 'allow';
  }

  /** Checks a user's call before anything is sent. Throws REDEFINE_REFUSED. */
  check(procedure: AnyProcedure, args: object): void {
    const problem = migrationProblem(procedure, args, this.#allow);
    if (problem) throw refused(problem);
    if (this.#allow) return;
    if (DEFINING.has(procedure)) {
      throw refused(
        `${procedure} is refused: a domain is defined once, by DomainManager.define, and changes only by attach, detach and update`,
      );
    }
    const { flags } = args as { flags?: unknown };
    if (
      procedure === 'DOMAIN_REVERT_TO_SNAPSHOT' ||
      (procedure === 'DOMAIN_SNAPSHOT_CREATE_XML' && Number(flags) & VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE)
    ) {
      throw refused(`${procedure} is refused: it would give the domain the document that the snapshot holds`);
    }
    if (UNDEFINING.has(procedure)) {
      const { dom } = args as { dom?: { uuid?: unknown } };
      if (typeof dom?.uuid === 'string') this.#spent.add(canonical(dom.uuid));
    }
  }

  /** Spends the one definition of a UUID. Throws REDEFINE_REFUSED if this connection has defined or undefined it before, unless `again` is meant. */
  spend(uuid: string, permit: 'once' | 'again'): void {
    const key = canonical(uuid);
    if (!this.#allow && permit === 'once' && this.#spent.has(key)) {
      throw refused(`domain ${key} was defined or undefined over this connection before and is not defined again`);
    }
    this.#spent.add(key);
  }

  /** Gives a definition back that certainly did not happen. */
  restore(uuid: string): void {
    this.#spent.delete(canonical(uuid));
  }
}

const canonical = (uuid: string): string =>
  uuid
    .toLowerCase()
    .replaceAll('-', '')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const refused = (message: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError('REDEFINE_REFUSED', message, {
    remedy: "Tools that must define again, such as migrations from another manager, connect with redefine: 'allow'",
  });
