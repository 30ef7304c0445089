import { DomainRescue } from './domain-rescue.js';

/**
 * One domain of libvirt, with libvirt's own document as the truth. Made by `DomainManager`. What it can do stands in the
 * classes below it, one for each concern: what one can ask, changes by plans, power, rescue.
 */
export class ManagedDomain extends DomainRescue {}
