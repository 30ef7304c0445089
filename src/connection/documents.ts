import { VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE } from './generated/constants.js';
import type { AnyProcedure } from './procedures.js';

/** Whether a call that can hold a document is refused: always, never, or by its arguments. Else when it holds one. */
export interface DocumentRow {
  readonly refuse: 'always' | 'never' | 'with document' | ((args: { readonly flags?: unknown }) => boolean);
  readonly why: string;
}

const DEFINES = 'a domain is defined once, by DomainManager.define, and changes only by attach, detach and update';
const RUNS = 'the domain would run from another document than its canonical one';
const MIGRATES = 'a migration gives the domain the document that the call carries';
const DEVICE = 'the XML is of one device, and the call is the one that changes it';
const OTHER = 'the XML is not of a domain that exists';

const migrating = (...names: AnyProcedure[]): Array<[AnyProcedure, DocumentRow]> =>
  names.map((name) => [name, { refuse: 'always', why: MIGRATES }]);
const allowed = (why: string, ...names: AnyProcedure[]): Array<[AnyProcedure, DocumentRow]> =>
  names.map((name) => [name, { refuse: 'never', why }]);

/**
 * Procedures whose arguments, or what they name, can give a domain another document, each with the verdict. One of a newer
 * libvirt that is not here is refused when its arguments hold XML.
 */
export const DOCUMENTS: Readonly<Partial<Record<AnyProcedure, DocumentRow>>> = Object.fromEntries<DocumentRow>([
  ['DOMAIN_DEFINE_XML', { refuse: 'always', why: DEFINES }],
  ['DOMAIN_DEFINE_XML_FLAGS', { refuse: 'always', why: DEFINES }],
  ['DOMAIN_CREATE_XML', { refuse: 'always', why: DEFINES }],
  ['DOMAIN_CREATE_XML_WITH_FILES', { refuse: 'always', why: DEFINES }],
  ['DOMAIN_REVERT_TO_SNAPSHOT', { refuse: 'always', why: 'it gives the domain the document that the snapshot holds' }],
  [
    'DOMAIN_SNAPSHOT_CREATE_XML',
    {
      refuse: ({ flags }) => (Number(flags) & VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE) !== 0,
      why: 'with REDEFINE the snapshot holds a document that a revert gives to the domain',
    },
  ],
  ['DOMAIN_MANAGED_SAVE_DEFINE_XML', { refuse: 'always', why: RUNS }],
  ['DOMAIN_SAVE_IMAGE_DEFINE_XML', { refuse: 'always', why: RUNS }],
  ['DOMAIN_SAVE_FLAGS', { refuse: 'with document', why: RUNS }],
  ['DOMAIN_SAVE_PARAMS', { refuse: 'with document', why: RUNS }],
  ['DOMAIN_RESTORE_FLAGS', { refuse: 'with document', why: RUNS }],
  ['DOMAIN_RESTORE_PARAMS', { refuse: 'with document', why: RUNS }],
  ...migrating('DOMAIN_MIGRATE_PREPARE', 'DOMAIN_MIGRATE_PREPARE2', 'DOMAIN_MIGRATE_PREPARE_TUNNEL'),
  ...migrating('DOMAIN_MIGRATE_PREPARE3', 'DOMAIN_MIGRATE_PREPARE3_PARAMS'),
  ...migrating('DOMAIN_MIGRATE_PREPARE_TUNNEL3', 'DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS'),
  ...migrating('DOMAIN_MIGRATE_BEGIN3', 'DOMAIN_MIGRATE_BEGIN3_PARAMS'),
  ...migrating('DOMAIN_MIGRATE_PERFORM', 'DOMAIN_MIGRATE_PERFORM3', 'DOMAIN_MIGRATE_PERFORM3_PARAMS'),
  ...migrating('DOMAIN_MIGRATE_FINISH', 'DOMAIN_MIGRATE_FINISH2'),
  // The cookie carries the persistent document.
  ...migrating('DOMAIN_MIGRATE_FINISH3', 'DOMAIN_MIGRATE_FINISH3_PARAMS'),
  ...migrating('DOMAIN_MIGRATE_CONFIRM3', 'DOMAIN_MIGRATE_CONFIRM3_PARAMS'),
  ...allowed(DEVICE, 'DOMAIN_ATTACH_DEVICE', 'DOMAIN_ATTACH_DEVICE_FLAGS', 'DOMAIN_UPDATE_DEVICE_FLAGS'),
  ...allowed(DEVICE, 'DOMAIN_DETACH_DEVICE', 'DOMAIN_DETACH_DEVICE_FLAGS'),
  ...allowed('the XML is of the copy of one disk', 'DOMAIN_BLOCK_COPY'),
  ...allowed('the XML says where a backup goes', 'DOMAIN_BACKUP_BEGIN'),
  ...allowed('no domain is ever defined or run from what a checkpoint holds', 'DOMAIN_CHECKPOINT_CREATE_XML'),
  ...allowed(OTHER, 'CONNECT_DOMAIN_XML_TO_NATIVE'),
  ...allowed(OTHER, 'CONNECT_COMPARE_CPU', 'CONNECT_BASELINE_CPU'),
  ...allowed(OTHER, 'CONNECT_COMPARE_HYPERVISOR_CPU', 'CONNECT_BASELINE_HYPERVISOR_CPU'),
]);

/** Procedures of other objects than domains, by how their names begin. */
const OF_OTHERS = /^(NETWORK|INTERFACE|STORAGE|SECRET|NODE_DEVICE|NWFILTER)_/;
const XML_FIELD = /xml/i;

/** The argument of a call that holds XML; undefined when none does. Typed parameters count by their names. */
export function xmlIn(args: object): string | undefined {
  for (const [name, value] of Object.entries(args)) {
    if (value === null || value === undefined) continue;
    if (XML_FIELD.test(name)) return name;
    if (!Array.isArray(value)) continue;
    const param = value.find((each) => XML_FIELD.test(String((each as { field?: unknown } | null)?.field)));
    if (param) return `${name}.${(param as { field: string }).field}`;
  }
  return undefined;
}

/** Why a call would give a domain another document; undefined when it does not. */
export function documentProblem(procedure: AnyProcedure, args: object): string | undefined {
  const row = Object.hasOwn(DOCUMENTS, procedure) ? DOCUMENTS[procedure] : undefined;
  const {
    refuse = OF_OTHERS.test(procedure) ? 'never' : 'with document',
    why = 'it holds XML, and nobody has judged it',
  } = row ?? {};
  if (refuse === 'never') return undefined;
  if (refuse === 'with document') {
    const holds = xmlIn(args);
    return holds && `${procedure} with ${holds} is refused: ${why}`;
  }
  return refuse === 'always' || refuse(args) ? `${procedure} is refused: ${why}` : undefined;
}
