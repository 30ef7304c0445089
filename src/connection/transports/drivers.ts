import { LibvirtCanonicalError } from '../../errors.js';
import { nearest } from '../../nearest.js';

/** Paths of the QEMU driver's URIs (qemuConnectURIProbe). `/embed` runs the driver inside the client: see below. */
const PATHS = ['/system', '/session'];

/** libvirt's other drivers, by the schemes of their URIs. Domains of theirs are not what this library models. */
const FOREIGN = new Set([
  'bhyve', 'ch', 'esx', 'gsx', 'hyperv', 'interface', 'lxc', 'network', 'nodedev', 'nwfilter', 'openvz', 'parallels',
  'phyp', 'secret', 'storage', 'test', 'uml', 'vbox', 'vmwarefusion', 'vmwareplayer', 'vmwarews', 'vpx', 'vz', 'xen',
  'xenapi',
]); // biome-ignore format: a list of words

/**
 * Throws unless a URI leads to the QEMU driver, or leaves the driver to the daemon: UNSUPPORTED for another driver of
 * libvirt, URI_INVALID for a scheme that is none and for a path the driver does not have. `shown` is the URI for messages.
 */
export function assertQemu(driver: string, path: string, shown: string): void {
  if (FOREIGN.has(driver)) {
    throw new LibvirtCanonicalError('UNSUPPORTED', `'${shown}' is a URI of libvirt's driver ${driver}`, {
      remedy: 'This library manages QEMU domains only: write e.g. qemu:///system',
    });
  }
  if (driver !== 'qemu' && driver !== 'remote') {
    const meant = nearest(driver, ['qemu']);
    throw new LibvirtCanonicalError('URI_INVALID', `'${shown}' has the scheme '${driver}', no driver of libvirt`, {
      remedy: meant ? `Did you mean '${meant}'? Write e.g. qemu:///system` : 'Write e.g. qemu:///system',
    });
  }
  if (path === '/embed') {
    throw new LibvirtCanonicalError('UNSUPPORTED', `'${shown}' runs libvirt's driver inside the client`, {
      remedy: "Embedding needs libvirt's own library: connect to a daemon, e.g. qemu:///session",
    });
  }
  // The daemon is to choose.
  if (driver === 'remote' && (path === '' || path === '/')) return;
  if (PATHS.includes(path)) return;
  const meant = nearest(path, PATHS);
  throw new LibvirtCanonicalError(
    'URI_INVALID',
    path === '' || path === '/' ? `'${shown}' has no path` : `'${shown}' has a path that QEMU's driver has not`,
    { remedy: meant ? `Did you mean '${meant}'?` : 'The path is /system or /session' },
  );
}
