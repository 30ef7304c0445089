import type { KindCase } from '../case.js';

const shared = (xml: string) => xml.replace('<os>', "<memoryBacking><access mode='shared'/></memoryBacking><os>");

export const cases: readonly KindCase[] = [
  {
    kind: 'filesystem',
    title: '9p',
    host: 'session',
    device: (host) => ({
      filesystem: {
        id: 'share',
        dir: host.directory,
        target: 'share',
        accessMode: 'mapped',
        fmode: '0644',
        dmode: '0755',
        multidevs: 'remap',
        readonly: true,
        driver: { type: 'path', wrpolicy: 'immediate' },
      },
    }),
  },
  {
    kind: 'filesystem',
    title: 'virtiofs',
    host: 'privileged',
    why: 'before libvirt 10.0.0 virtiofsd is not started in session mode',
    domain: { xml: shared },
    device: (host) => ({
      filesystem: {
        dir: host.directory,
        target: 'fast',
        driver: { type: 'virtiofs', queue: 512 },
        binary: {
          path: '/usr/lib/qemu/virtiofsd',
          xattr: true,
          cache: 'always',
          sandbox: 'chroot',
          lock: { posix: true, flock: true },
          threadPool: 4,
        },
      },
    }),
  },
  {
    kind: 'filesystem',
    title: 'virtiofs of somebody else',
    host: 'none',
    why: 'needs a virtiofsd that runs already',
    domain: { xml: shared },
    device: () => ({ filesystem: { socket: '/run/virtiofsd.sock', target: 'fast', driver: { type: 'virtiofs' } } }),
  },
];
