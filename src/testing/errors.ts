import { type ErrorDetails, LibvirtCanonicalError } from '../errors.js';

/** A private host or its guest cannot be set up. `code` is `HOST_SETUP`; the message says what is missing and what installs it. */
export class HostSetupError extends LibvirtCanonicalError {
  override readonly name: string = 'HostSetupError';
  constructor(message: string, details: ErrorDetails = {}) {
    super('HOST_SETUP', message, details);
  }
}
