import { type AnyProcedure, procedureOf } from './procedures.js';

/**
 * Where libvirt's access policy does not tell whether a procedure may be sent again after its reply was lost: each with
 * what it does. Everything else goes by the policy: what needs no more than permission to read is repeated.
 */
export const ACCESS_IS_NOT_REPEATABILITY: Readonly<
  Partial<Record<AnyProcedure, readonly ['repeat' | 'never', why: string]>>
> = {
  DOMAIN_SET_SCHEDULER_PARAMETERS: ['never', 'changes the domain; the protocol file asks for domain:read all the same'],
  DOMAIN_GET_JOB_STATS: ['never', 'the statistics of a completed job are gone once they were read'],
  CONNECT_OPEN: ['never', 'a second one on a socket closes the first'],
  CONNECT_IS_SECURE: ['repeat', 'asks for no permission at all'],
  CONNECT_FIND_STORAGE_POOL_SOURCES: ['repeat', 'looks for sources'],
  CONNECT_DOMAIN_XML_FROM_NATIVE: ['repeat', 'converts a text'],
  CONNECT_DOMAIN_XML_TO_NATIVE: ['repeat', 'converts a text'],
  CONNECT_GET_DOMAIN_CAPABILITIES: ['repeat', 'may run a QEMU of the caller’s choice to ask it, hence connect:write'],
  CONNECT_COMPARE_HYPERVISOR_CPU: ['repeat', 'the same'],
  CONNECT_BASELINE_HYPERVISOR_CPU: ['repeat', 'the same'],
  DOMAIN_SAVE_IMAGE_GET_XML_DESC: ['repeat', 'reads a file of the caller’s choice, hence domain:write'],
  DOMAIN_GET_HOSTNAME: ['repeat', 'asks the guest agent'],
  DOMAIN_GET_TIME: ['repeat', 'asks the guest agent'],
  DOMAIN_GET_FSINFO: ['repeat', 'asks the guest agent'],
  DOMAIN_GET_GUEST_VCPUS: ['repeat', 'asks the guest agent'],
  DOMAIN_GET_GUEST_INFO: ['repeat', 'asks the guest agent'],
  DOMAIN_AUTHORIZED_SSH_KEYS_GET: ['repeat', 'asks the guest agent'],
  DOMAIN_GET_VCPUS_FLAGS: ['repeat', 'with VIR_DOMAIN_VCPU_GUEST asks the guest agent'],
  DOMAIN_INTERFACE_ADDRESSES: ['repeat', 'may ask the guest agent'],
  DOMAIN_MIGRATE_GET_MAX_SPEED: ['repeat', 'reads a setting'],
  DOMAIN_MIGRATE_GET_MAX_DOWNTIME: ['repeat', 'reads a setting'],
  DOMAIN_MIGRATE_GET_COMPRESSION_CACHE: ['repeat', 'reads a setting'],
};

/** Whether a call may be sent again when its reply was lost: it has changed nothing, and its answer is still to be had. */
export function isRepeatable(name: AnyProcedure): boolean {
  const row = ACCESS_IS_NOT_REPEATABILITY[name];
  return row ? row[0] === 'repeat' : procedureOf(name).access === 'read';
}
