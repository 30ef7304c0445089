/**
 * The definition room: the one define call in a domain's life, the pinned CPU, the confirmed upgrade of the guest ABI, and
 * the end of a definition. No other room may define.
 */
export {
  type AbiUpgradeOptions,
  AbiUpgradeProposal,
  type AbiUpgradeRequest,
  abiUpgrade,
  proposeAbiUpgrade,
} from './abi-upgrade.js';
export { DomainExistsError, defineDomain, defineImported } from './define.js';
export { type ChangeablePart, DefinePlan, type FixedPart, planDefine } from './define-plan.js';
export type { DefineFinding } from './findings.js';
export type { DefineOptions } from './prepare.js';
export type { PortCapacity, XmlHotplug } from './room.js';
export { type UndefineOptions, undefine } from './undefine.js';
