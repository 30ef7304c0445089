import { type CallOptions, type Connection, LibvirtError } from '../connection/index.js';
import {
  child,
  children,
  detachedCopy,
  type Element,
  parseElement,
  select,
  serialize,
  setAt,
  valueAt,
} from '../xml/index.js';
import type { DomainKind } from './domain-capabilities.js';
import type { HostFinding } from './finding.js';

/** virCPUCompareResult. */
const INCOMPATIBLE = 0;

/** Modes that every host fills in by itself, at each start anew. */
const HOSTS_OWN: Readonly<Record<string, string>> = {
  'host-model': 'the model of the host it starts on',
  'host-passthrough': 'the CPU of the host it starts on',
  maximum: 'all that the QEMU it starts with can do',
};

/** Whether the host can give the domain its CPU: model and features. virConnectCompareHypervisorCPU. */
export async function checkCpu(
  connection: Connection,
  domain: Element,
  kind: DomainKind,
  capabilities: Element,
  options: CallOptions,
): Promise<HostFinding[]> {
  const cpu = child(domain, 'cpu');
  const mode = cpu?.getAttribute('mode') ?? 'custom';
  const own = HOSTS_OWN[mode];
  if (own !== undefined) {
    const supported = select(capabilities, `cpu/mode[@name="${mode}"]`)[0]?.getAttribute('supported') === 'yes';
    const found: HostFinding[] = [
      {
        severity: 'warns',
        subject: 'cpu',
        problem: `the guest gets ${own}, which another host or release can change`,
        remedy: 'abiUpgrade pins it, by name, when the domain is off',
      },
    ];
    if (!supported) found.push(blocks(`this host has no ${mode} for such a domain`));
    return found;
  }
  const model = cpu && child(cpu, 'model');
  if (!cpu || !model) return [];
  const name = model.textContent ?? '';
  const known = select(capabilities, 'cpu/mode[@name="custom"]/model').find((each) => each.textContent === name);
  if (!known) return [blocks(`this host does not know the CPU model ${name}`)];
  const found: HostFinding[] = [];
  if (known.getAttribute('deprecated') === 'yes') {
    found.push({
      severity: 'warns',
      subject: 'cpu',
      problem: `the CPU model ${name} is deprecated`,
      remedy: 'A later QEMU can do without it; plan an abiUpgrade',
    });
  }
  const compatible = async (xml: Element) => {
    try {
      const args = { ...renamed(kind), xmlCPU: serialize(xml), flags: 0 };
      return (await connection.call('CONNECT_COMPARE_HYPERVISOR_CPU', args, options)).result > INCOMPATIBLE;
    } catch (error) {
      if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_CPU_INCOMPATIBLE') return false;
      throw error;
    }
  };
  const asked = detachedCopy(cpu);
  try {
    if (await compatible(asked)) return found;
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    const unknown = /[Uu]nknown CPU (feature|model)/.test(error.libvirtMessage);
    if (unknown) return [...found, blocks(`this host cannot read the CPU: ${error.libvirtMessage}`)];
    // An emulated CPU of another architecture: QEMU knows the model, and has no word for what it can do.
    if (error.errorName === 'VIR_ERR_OPERATION_UNSUPPORTED') {
      const problem = `QEMU of this host cannot report whether it can give the CPU ${name} with its features`;
      return [...found, { severity: 'warns', subject: 'cpu', problem, remedy: 'The start shows it' }];
    }
    const problem = `whether this host can give the CPU could not be asked: ${error.libvirtMessage}`;
    return [...found, { severity: 'unknown', subject: 'cpu', problem, remedy: 'Look at its domain capabilities' }];
  }
  const hosts = hostModel(capabilities);
  const missing: string[] = [];
  for (const feature of children(asked, 'feature')) {
    const which = feature.getAttribute('name');
    if (!which || (feature.getAttribute('policy') ?? 'require') !== 'require' || !hosts) continue;
    if (!(await compatible(withFeature(hosts, which)))) missing.push(which);
  }
  const blockers = select(capabilities, 'cpu/mode[@name="custom"]/blockers').find(
    (each) => each.getAttribute('model') === name,
  );
  const lacking = blockers ? children(blockers, 'feature').flatMap((each) => each.getAttribute('name') ?? []) : [];
  const what = missing.length > 0 ? ` CPU feature ${missing.join(', ')}` : '';
  const why = lacking.length > 0 ? `; of the model itself ${lacking.join(', ')}` : '';
  return [
    ...found,
    blocks(
      what || why
        ? `this host lacks${what || ' part of the CPU'}${why}, which the domain's CPU has`
        : `this host cannot give the CPU ${name} with its features`,
    ),
  ];
}

function blocks(problem: string): HostFinding {
  return {
    severity: 'blocks',
    subject: 'cpu',
    problem,
    remedy: 'Run it on a host that has them, or give the guest another CPU by abiUpgrade',
  };
}

const renamed = ({ emulatorbin, arch, machine, virttype }: DomainKind) => ({
  emulator: emulatorbin,
  arch,
  machine,
  virttype,
});

/** The host's own model as a custom CPU; undefined when it has none. */
function hostModel(capabilities: Element): Element | undefined {
  const [mode] = select(capabilities, 'cpu/mode[@name="host-model"]');
  if (!mode || !child(mode, 'model')) return undefined;
  const cpu = parseElement("<cpu mode='custom' match='exact'/>");
  const owner = cpu.ownerDocument as NonNullable<Element['ownerDocument']>;
  for (const part of children(mode))
    if (['model', 'vendor', 'feature'].includes(part.nodeName)) cpu.appendChild(owner.importNode(part, true));
  setAt(cpu, 'model/@fallback', 'forbid');
  return cpu;
}

function withFeature(cpu: Element, name: string): Element {
  const copy = detachedCopy(cpu);
  for (const feature of children(copy, 'feature')) if (valueAt(feature, '@name') === name) copy.removeChild(feature);
  const feature = copy.appendChild(
    (copy.ownerDocument as NonNullable<Element['ownerDocument']>).createElement('feature'),
  );
  (feature as Element).setAttribute('policy', 'require');
  (feature as Element).setAttribute('name', name);
  return copy;
}
