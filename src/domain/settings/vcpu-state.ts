import { select } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import { byName, NUMBER } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import { asObject, needs, refusal } from './params.js';
import type { Setting } from './setting.js';
import { planSides } from './sides.js';

/** Particular vCPUs that are to be there or not, by number from 1: `{ 3: 'online', 2: 'offline' }`. vCPU 0 always is. */
export type VcpuStateRequest = Readonly<Record<number, 'online' | 'offline'>>;

/** `<vcpus>`: virDomainSetVcpu, a call for each. From then on the document lists every vCPU. */
export const vcpuState: Setting<VcpuStateRequest> = {
  name: 'vcpuState',
  schema: byName({ enum: ['online', 'offline'] }, NUMBER),
  sideEffects: ['vcpu', 'vcpus'],
  paths: ['vcpus'],
  read({ root }) {
    const states = select(root, 'vcpus/vcpu').flatMap((each): Array<[string, 'online' | 'offline']> => {
      const id = each.getAttribute('id') ?? '';
      return id === '0' ? [] : [[id, each.getAttribute('enabled') === 'yes' ? 'online' : 'offline']];
    });
    return states.length === 0 ? undefined : Object.fromEntries(states);
  },
  shown: (document, _, { args }) => ('state' in args ? stateOf(document, args.cpumap) : undefined),
  plan(value, context, path) {
    needs(context, '3.1.0', path);
    const { canonical, live } = context;
    const maximum = Number(canonical.value('vcpu') ?? 1);
    const asked = Object.entries(asObject(value, path));
    for (const [vcpu, state] of asked) {
      if (!/^[1-9]\d{0,3}$/.test(vcpu) || Number(vcpu) >= maximum)
        throw specInvalid(
          `${path}.${vcpu}`,
          `the domain has no vCPU ${vcpu} that can change`,
          `Give one from 1 to ${maximum - 1}`,
        );
      if (state !== 'online' && state !== 'offline')
        throw specInvalid(`${path}.${vcpu}`, `${formatValue(state)} is not online or offline`);
      const fixed = numbers(maximum).find(
        (other) => other > Number(vcpu) && !asked.some(([each]) => each === String(other)) && isFixed(canonical, other),
      );
      if (fixed !== undefined && state !== stateOf(canonical, vcpu)) {
        return refusal({
          subject: 'vcpuState',
          path: `${path}.${vcpu}`,
          reason: `vCPU ${fixed} above it is online and not hot-pluggable (qemuDomainVcpuValidateConfig)`,
          remedy: 'Change the number of vCPUs by vcpus instead',
        });
      }
    }
    // From the top down and from the bottom up: those that are not hot-pluggable stay together at the beginning.
    const order = [
      ...asked.filter(([, state]) => state === 'offline').reverse(),
      ...asked.filter(([, state]) => state === 'online'),
    ];
    const operations = order.flatMap(([vcpu, state]) =>
      planSides({
        name: 'vcpuState',
        canonical: { [vcpu]: stateOf(canonical, vcpu) },
        live: live && { [vcpu]: stateOf(live, vcpu) },
        wanted: { [vcpu]: state as string },
        label: () => `vcpus/vcpu ${vcpu}/@enabled`,
        call: (change, _, flags) => ({
          procedure: 'DOMAIN_SET_VCPU',
          args: { cpumap: vcpu, state: change[vcpu] === 'online' ? 1 : 0, flags },
        }),
        cooperation: () => (state === 'offline' ? 'the guest must give the CPU back' : undefined),
        liveObstacle: () => {
          if (!live || Number(vcpu) >= Number(live.value('vcpu') ?? 1))
            return 'the running guest does not have this vCPU';
          if (state === 'offline' && isFixed(live, Number(vcpu)))
            return 'the running guest was started with this vCPU, which so cannot be unplugged';
          return undefined;
        },
      }),
    );
    return { operations, refusals: [] };
  },
};

function numbers(maximum: number): number[] {
  return Array.from({ length: maximum }, (_, vcpu) => vcpu);
}

/** True when a document has the vCPU of that number online. */
export function vcpuIsOnline(document: DomainDocument, vcpu: string): boolean {
  return stateOf(document, vcpu) === 'online';
}

/** Without `<vcpus>` the first `current` ones are online. */
function stateOf(document: DomainDocument, vcpu: string): 'online' | 'offline' {
  const enabled = document.value(`vcpus/vcpu[@id='${vcpu}']/@enabled`);
  const first = Number(document.value('vcpu/@current') ?? document.value('vcpu') ?? 1);
  return (enabled === undefined ? Number(vcpu) < first : enabled === 'yes') ? 'online' : 'offline';
}

/** Online and not hot-pluggable. */
function isFixed(document: DomainDocument, vcpu: number): boolean {
  if (stateOf(document, String(vcpu)) === 'offline') return false;
  const hotpluggable = document.value(`vcpus/vcpu[@id='${vcpu}']/@hotpluggable`);
  return hotpluggable !== 'yes';
}
