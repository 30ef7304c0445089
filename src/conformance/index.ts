/**
 * The conformance room, an entry of its own (`libvirt-canonical/conformance`): the promise that nothing moves as a suite for any
 * manager of domains, in any language. docs/conformance.md has the protocol.
 */
export {
  type ConformanceOptions,
  type ConformanceProgress,
  conformanceScenarios,
  runConformance,
} from './conformance.js';
export type { DriverCommand } from './driver-process.js';
export { DRIVERS, driverCommand } from './drivers/table.js';
export { conformanceHtml } from './html.js';
export { FINDINGS, type Finding, type FindingKind, type Witness } from './ledger.js';
export {
  CAPABILITIES,
  type Capability,
  type Done,
  type Hello,
  type KitDevice,
  type KitDisk,
  type KitDomain,
  type KitInterface,
  type Operation,
  type Operations,
  PROTOCOL,
  type Where,
} from './protocol.js';
export {
  type ConformanceReport,
  type Course,
  courseText,
  type DriverReport,
  keeps,
  movedIn,
  REPORT_FORM,
  type Step,
  sideBySide,
  type Totals,
  totalsOf,
} from './report.js';
export { type Driver, RefusedRequest, serveDriver } from './serve.js';
