import { LibvirtCanonicalError } from '../../errors.js';
import type { Device, DomainDocument } from '../document.js';
import { meantDevice } from '../meant-device.js';
import type { ObservedDomain } from '../operation.js';

/**
 * The device that a setting is about, in the canonical document and in the running guest. `DEVICE_NOT_FOUND` and
 * `DEVICE_AMBIGUOUS` as for other requests; the call is for both documents, so the canonical one must have it.
 */
export function oneDevice(
  element: string,
  name: string,
  { canonical, live }: ObservedDomain,
  path: string,
): { device: Device; running: Device | undefined } {
  const device = only(canonical, element, name, path);
  if (!device) {
    throw new LibvirtCanonicalError('DEVICE_NOT_FOUND', `${path}: there is no ${element} ${name}`, {
      path,
      domain: canonical.name,
      remedy: `${meantDevice([canonical, live], element, name)}devices() lists what there is`,
    });
  }
  return { device, running: live?.counterpart(device) };
}

function only(document: DomainDocument, element: string, name: string, path: string): Device | undefined {
  const found = document.find(element, name);
  if (found.length <= 1) return found[0];
  const list = found.map((each) => each.identity).join(', ');
  throw new LibvirtCanonicalError('DEVICE_AMBIGUOUS', `${path}: ${name} names ${found.length} devices: ${list}`, {
    path,
    remedy: 'Name it by a user alias',
  });
}
