/**
 * The testing room, an entry of its own (`libvirt-canonical/testing`): a private libvirtd and a small guest for tests.
 */
export { Authority, type Certificate, type CertificateOptions } from './authority.js';
export type { DiskOptions } from './disk-image.js';
export { HostSetupError } from './errors.js';
export { Guest, type GuestOptions } from './guest.js';
export { type GuestImage, type GuestImageOptions, prepareGuestImage } from './guest-image.js';
export type { WaitOptions } from './guest-port.js';
export type { GuestBlockDevice, GuestInterface, GuestPciFunction, GuestReport } from './guest-report.js';
export type { GuestDisk, GuestDomainOptions, GuestInterfaceSpec } from './guest-xml.js';
export { type HostRootOptions, prepareHostRoot, removeHostRoot } from './host-root.js';
export { PrivateHost, type PrivateHostOptions } from './private-host.js';
export { privilegedProblem } from './privileged.js';
export { SshServer, type SshServerOptions, type SshUriOptions } from './ssh-server.js';
