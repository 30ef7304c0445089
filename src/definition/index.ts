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
