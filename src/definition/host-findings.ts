import type { CallOptions, Connection } from '../connection/index.js';
import { DomainDocument, numbersOf } from '../domain/index.js';
import { domainCapabilitiesIfAny, type HostFiles, type HostFinding, hostCheck, kindOf } from '../host/index.js';
import { children, type Element, parseElement, select, valueAt } from '../xml/index.js';
import type { DefineFinding } from './findings.js';

/** What the host says of itself and of such a domain. */
interface Host {
  readonly session: boolean;
  readonly emulated: boolean;
  /** virConnectGetCapabilities. */
  readonly capabilities: Element;
  /** virConnectGetDomainCapabilities. */
  readonly domain: Element | undefined;
}

type Rule = (document: DomainDocument, host: Host) => DefineFinding[];

const refuses = (subject: string, path: string, problem: string, remedy: string): DefineFinding => ({
  severity: 'refuses',
  subject,
  path,
  problem,
  remedy,
});

/** Features that only KVM has: libvirt takes them, and the start fails. */
const needsKvm: Rule = ({ root }, { emulated, domain }) => {
  if (!emulated) return [];
  const found: DefineFinding[] = [];
  if (valueAt(root, 'features/pvspinlock/@state') === 'on')
    found.push(refuses('domain', 'features/pvspinlock', 'it needs KVM: the domain would not start', 'Leave it out'));
  const old = /-[1-7]\./.test(valueAt(domain ?? root, 'machine') ?? '');
  if (old && valueAt(root, 'features/hyperv/vpindex/@state') === 'on')
    found.push(
      refuses(
        'domain',
        'features/hyperv/vpindex',
        'this QEMU has it with KVM only',
        'Leave out vpindex, and what needs it',
      ),
    );
  return found;
};

/** Enlightenments that this host does not list. */
const hypervOffered: Rule = ({ root }, { domain, emulated }) => {
  const [list] = domain ? select(domain, 'features/hyperv/enum') : [];
  const hyperv = select(root, 'features/hyperv')[0];
  if (!list || !hyperv || emulated) return [];
  const offered = new Set(select(list, 'value').map(({ textContent }) => textContent));
  return children(hyperv)
    .filter((each) => each.getAttribute('state') === 'on' && !offered.has(each.nodeName))
    .map(({ nodeName }) =>
      refuses('domain', `features/hyperv/${nodeName}`, 'this host does not have it', 'Leave it out'),
    );
};

/** evmcs is of Intel: with it no guest starts on a host by AMD. */
const evmcs: Rule = ({ root }, { capabilities }) =>
  valueAt(root, 'features/hyperv/evmcs/@state') === 'on' && valueAt(capabilities, 'host/cpu/vendor') === 'AMD'
    ? [refuses('domain', 'features/hyperv/evmcs', 'it is for hosts by Intel, and this one is by AMD', 'Leave it out')]
    : [];

/** What a session daemon cannot do: the domain would be defined, and never start. */
const session: Rule = ({ root }, host) => {
  if (!host.session) return [];
  const parts: ReadonlyArray<readonly [path: string, problem: string]> = [
    ['memoryBacking/locked', 'a session daemon may not lock memory'],
    ['memoryBacking/hugepages', 'a session daemon has no huge pages'],
    ['resource', 'a session daemon has no control groups'],
  ];
  return parts
    .filter(([path]) => select(root, path).length > 0)
    .map(([path, problem]) =>
      refuses('domain', path, problem, 'Connect to the system daemon (qemu:///system), or leave it out'),
    );
};

/** Huge pages of a size that the host does not have. */
const hugepages: Rule = ({ root }, { capabilities, session }) => {
  const sizes = new Set(select(capabilities, 'host/cpu/pages').map((each) => each.getAttribute('size')));
  if (session || sizes.size === 0) return [];
  return select(root, 'memoryBacking/hugepages/page').flatMap((page) => {
    const size = String(
      Number(page.getAttribute('size')) * (KIB[(page.getAttribute('unit') ?? 'KiB').toLowerCase()] ?? 1),
    );
    return sizes.has(size)
      ? []
      : [
          refuses(
            'domain',
            'memoryBacking/hugepages',
            `the host has no pages of ${size} KiB`,
            `It has ${[...sizes].join(', ')} KiB`,
          ),
        ];
  });
};
const KIB: Readonly<Record<string, number>> = { kib: 1, k: 1, mib: 1024, m: 1024, gib: 1024 ** 2, g: 1024 ** 2 };

/** NUMA nodes and CPUs that the host does not have. */
const placement: Rule = ({ root }, { capabilities }) => {
  const nodes = new Set(
    select(capabilities, 'host/topology/cells/cell').map((each) => Number(each.getAttribute('id'))),
  );
  const cpus = new Set(
    select(capabilities, 'host/topology/cells/cell/cpus/cpu').map((each) => Number(each.getAttribute('id'))),
  );
  const missing = (path: string, text: string | null | undefined, there: ReadonlySet<number>, what: string) => {
    if (text === null || text === undefined || there.size === 0) return [];
    const gone = numbersOf(text, path).filter((each) => !there.has(each));
    return gone.length === 0
      ? []
      : [refuses('domain', path, `the host has no ${what} ${gone.join(', ')}`, `It has ${[...there].join(', ')}`)];
  };
  return [
    ...missing('numatune/memory/@nodeset', valueAt(root, 'numatune/memory/@nodeset'), nodes, 'NUMA node'),
    ...select(root, 'numatune/memnode').flatMap((each) =>
      missing('numatune/memnode', each.getAttribute('nodeset'), nodes, 'NUMA node'),
    ),
    ...missing('vcpu/@cpuset', valueAt(root, 'vcpu/@cpuset'), cpus, 'CPU'),
  ];
};

/** A security model that the daemon does not run. */
const seclabel: Rule = ({ root }, { capabilities }) => {
  const models = select(capabilities, 'host/secmodel/model').map(({ textContent }) => textContent ?? '');
  return children(root, 'seclabel').flatMap((each) => {
    const model = each.getAttribute('model');
    if (model === null || model === 'none' || each.getAttribute('type') === 'none' || models.includes(model)) return [];
    return [
      refuses(
        'domain',
        'seclabel',
        `the security driver ${model} is not there: the domain would not start`,
        `There is ${models.join(', ') || 'none'}`,
      ),
    ];
  });
};

const RULES: readonly Rule[] = [needsKvm, hypervOffered, evmcs, session, hugepages, placement, seclabel];

/** Parts that are fixed at define, so that a host which cannot run them is a reason to refuse. */
const FIXED_SUBJECTS = ['cpu', 'firmware'];

/** What a host has to say of a document before it is defined: what libvirt itself would find at the start only. */
export async function hostFindings(
  connection: Connection,
  xml: string,
  { files, ...call }: CallOptions & { readonly files: HostFiles },
): Promise<DefineFinding[]> {
  const document = new DomainDocument(xml);
  const kind = kindOf(document.root);
  const [{ capabilities }, domain, checked] = await Promise.all([
    connection.call('CONNECT_GET_CAPABILITIES', {}, call),
    domainCapabilitiesIfAny(connection, kind, call),
    hostCheck(connection, document, { files, ...call }),
  ]);
  const host: Host = {
    session: /\/session(\?|$)/.test(connection.uri),
    emulated: kind.virttype === 'qemu',
    capabilities: parseElement(capabilities),
    domain,
  };
  return [...RULES.flatMap((rule) => rule(document, host)), ...checked.flatMap((each) => ofHostCheck(document, each))];
}

function ofHostCheck({ root }: DomainDocument, { severity, subject, problem, remedy }: HostFinding): DefineFinding[] {
  // The variables are made from the template at the first start.
  if (severity === 'benign' || problem.startsWith('the UEFI variables,')) return [];
  if (severity !== 'blocks') return [{ severity, subject, problem, remedy }];
  // Without a check libvirt starts a guest with features missing instead of refusing it.
  const lenient =
    subject === 'cpu' &&
    valueAt(root, 'cpu/model') !== undefined &&
    !/partial|full/.test(valueAt(root, 'cpu/@check') ?? '');
  return [{ severity: FIXED_SUBJECTS.includes(subject) && !lenient ? 'refuses' : 'warns', subject, problem, remedy }];
}
