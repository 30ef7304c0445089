export {
  type AbiUpgradeOptions,
  AbiUpgradeProposal,
  type AbiUpgradeRequest,
  abiUpgrade,
  proposeAbiUpgrade,
} from './abi-upgrade.js';
export { DomainExistsError, defineDomain, defineImported } from './define.js';
export { type UndefineOptions, undefine } from './undefine.js';
