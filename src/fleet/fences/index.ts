/** Ways to prove that a host runs nothing any more. */
export { type FenceAgentOptions, fenceAgent } from './agent.js';
export { type HeartbeatOptions, type HeartbeatWatchdog, heartbeat } from './heartbeat.js';
export { type Confirmation, personConfirms } from './person.js';
export { assertProof, type Fence, type FenceProof, FenceUnprovedError } from './proof.js';
export { type RedfishOptions, redfish } from './redfish.js';
export { type StorageLeaseOptions, storageLease } from './storage-lease.js';
