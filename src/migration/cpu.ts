import { type CallOptions, type Connection, LibvirtError } from '../connection/index.js';
import { DomainDocument } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { checkCpu, domainCapabilities, domainCapabilitiesIfAny, kindOf } from '../host/index.js';
import { buildElement, child, children, type Element, parseElement, select, serialize, valueAt } from '../xml/index.js';
import { connectionOf, type MigrationDestination } from './hosts.js';

/** What kind of domain a CPU is for; what is left out each host chooses. */
export interface CpuKind {
  readonly type?: 'kvm' | 'qemu';
  readonly arch?: string;
  readonly machine?: string;
  readonly emulator?: string;
}

/** A CPU that a set of hosts can all run. */
export interface CpuBaseline {
  /** For `cpu` of a domain's spec. */
  readonly cpu: {
    readonly mode: 'custom';
    readonly model: string;
    readonly vendor?: string;
    readonly features: Readonly<Record<string, string>>;
  };
  /** The same as libvirt's `<cpu>`. */
  readonly xml: string;
}

/** Whether one host can give a domain its CPU. */
export interface CpuComparison {
  readonly host: string;
  readonly compatible: boolean;
  /** What the host lacks, or leaves to itself; empty when it has all of it. */
  readonly problems: readonly string[];
}

/** virCPUCompareResult. */
const INCOMPATIBLE = 0;

/**
 * The best CPU that every one of a set of hosts can run, so that a domain with it can go to each of them and back.
 * virConnectBaselineHypervisorCPU, and virConnectCompareHypervisorCPU on each host. Errors: `SPEC_INVALID` without hosts;
 * `UNSUPPORTED` when a host has no such domains, or when they have no CPU in common.
 *
 * @example
 * const { cpu } = await baselineCpu([one, two], { type: 'kvm' });
 * await manager.define({ name: 'web1', memory: '2 GiB', cpu });
 */
export async function baselineCpu(
  hosts: readonly MigrationDestination[],
  kind: CpuKind = {},
  options: CallOptions = {},
): Promise<CpuBaseline> {
  const connections = hosts.map(connectionOf);
  const [first] = connections;
  if (!first)
    throw new LibvirtCanonicalError('SPEC_INVALID', 'hosts: there are none', {
      path: 'hosts',
      remedy: 'Give the hosts that the domain is to run on',
    });
  const args = {
    emulator: kind.emulator ?? null,
    arch: kind.arch ?? null,
    machine: kind.machine ?? null,
    virttype: kind.type ?? null,
  };
  const xmlCPUs = await Promise.all(connections.map((each) => hostModel(each, args, options)));
  const { cpu: xml } = await first
    .call('CONNECT_BASELINE_HYPERVISOR_CPU', { ...args, xmlCPUs, flags: 0 }, options)
    .catch((error: unknown) => {
      throw error instanceof LibvirtError ? nothingInCommon(error.libvirtMessage, error) : error;
    });
  for (const connection of connections) {
    const { result } = await connection.call(
      'CONNECT_COMPARE_HYPERVISOR_CPU',
      { ...args, xmlCPU: xml, flags: 0 },
      options,
    );
    if (result <= INCOMPATIBLE) throw nothingInCommon(`${connection.uri} cannot run ${oneLine(xml)}`);
  }
  const root = parseElement(xml);
  const vendor = valueAt(root, 'vendor');
  const features = children(root, 'feature').map(
    (each) => [each.getAttribute('name') ?? '', each.getAttribute('policy') ?? 'require'] as const,
  );
  return {
    cpu: {
      mode: 'custom',
      model: valueAt(root, 'model') ?? '',
      ...(vendor === undefined ? {} : { vendor }),
      features: Object.fromEntries(features),
    },
    xml,
  };
}

function nothingInCommon(why: string, cause?: unknown): LibvirtCanonicalError {
  return new LibvirtCanonicalError('UNSUPPORTED', `the hosts have no CPU in common: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    remedy: 'Leave out the host that differs most; compareCpu tells what each lacks',
  });
}

const oneLine = (xml: string): string => xml.replace(/\s*\n\s*/g, '');

/** What a host would give a guest as host-model, as a CPU of its own. */
async function hostModel(
  connection: Connection,
  args: { emulator: string | null; arch: string | null; machine: string | null; virttype: string | null },
  options: CallOptions,
): Promise<string> {
  const { emulator: emulatorbin, ...rest } = args;
  const capabilities = await domainCapabilities(connection, { emulatorbin, ...rest }, options).catch(
    (error: unknown) => {
      if (!(error instanceof LibvirtError)) throw error;
      throw new LibvirtCanonicalError('UNSUPPORTED', `${connection.uri} has no such domains: ${error.libvirtMessage}`, {
        cause: error,
        remedy: "Without hardware virtualisation ask for type: 'qemu'",
      });
    },
  );
  const [mode] = select(capabilities, 'cpu/mode[@name="host-model"]');
  const model = mode && child(mode, 'model');
  if (!mode || !model)
    throw new LibvirtCanonicalError('UNSUPPORTED', `${connection.uri} does not say what its CPU can do`, {
      remedy: 'Ask for a kind of domain that the host can run',
    });
  const parts = children(mode).filter(({ nodeName }) => nodeName === 'feature');
  const vendor = valueAt(mode, 'vendor');
  return buildElement('cpu', [
    ['@mode', 'custom'],
    ['@match', 'exact'],
    ['model', model.textContent ?? ''],
    ...(vendor === undefined ? [] : [['vendor', vendor] as const]),
    ...parts.flatMap((each, at) => {
      const path = at === 0 ? 'feature' : `feature[${at + 1}]`;
      return [
        [`${path}/@policy`, each.getAttribute('policy') ?? 'require'] as const,
        [`${path}/@name`, each.getAttribute('name') ?? ''] as const,
      ];
    }),
  ]);
}

/**
 * Whether each of a set of hosts can give a domain its CPU: that of the running guest, if there is one, and that of the
 * canonical document. virConnectCompareHypervisorCPU. Errors: `XML_…` for a document that is none.
 *
 * @example
 * for (const { host, compatible, problems } of await compareCpu(web, [one, two])) console.log(host, compatible, problems);
 */
export async function compareCpu(
  domain: string | { canonical(): Promise<string>; live(): Promise<string | undefined> },
  hosts: readonly MigrationDestination[],
  options: CallOptions = {},
): Promise<CpuComparison[]> {
  const texts = typeof domain === 'string' ? [domain] : [await domain.canonical(), await domain.live()];
  const roots = texts.flatMap((text) => (text === undefined ? [] : new DomainDocument(text).root));
  return Promise.all(
    hosts.map(connectionOf).map(async (connection) => {
      const found = (await Promise.all(roots.map((root) => cpuProblems(connection, root, options)))).flat();
      return {
        host: connection.uri,
        compatible: found.every(({ severity }) => severity !== 'blocks'),
        problems: [...new Set(found.map(({ problem }) => problem))],
      };
    }),
  );
}

async function cpuProblems(connection: Connection, root: Element, options: CallOptions) {
  const asked = kindOf(root);
  for (const kind of [asked, { ...asked, emulatorbin: null }, { ...asked, emulatorbin: null, machine: null }]) {
    const capabilities = await domainCapabilitiesIfAny(connection, kind, options);
    if (capabilities) return checkCpu(connection, root, kind, capabilities, options);
  }
  const type = serialize(root).match(/^<domain[^>]*>/)?.[0];
  return [{ severity: 'blocks' as const, problem: `the host has no such domains (${type})` }];
}
