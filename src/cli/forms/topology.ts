import type {
  DomainTopology,
  JsonSchema,
  TopologyBus,
  TopologyChange,
  TopologyDevice,
  TopologyPort,
} from '../../index.js';
import { BOOLEAN, byName, COUNT, form, list, maybe, part, TEXT, UUID, words } from './form.js';

const SIDE = words('both', 'canonical', 'live');

/** Where devices sit, by name. */
export const TOPOLOGY: Readonly<Record<string, JsonSchema>> = {
  topology: form<DomainTopology>({
    formatVersion: { const: 1 },
    domain: form<DomainTopology['domain']>({
      name: TEXT,
      uuid: UUID,
      title: maybe(TEXT),
      machine: TEXT,
      running: BOOLEAN,
    }),
    buses: list(part('topologyBus')),
    devices: list(part('topologyDevice')),
    capacity: byName(form<DomainTopology['capacity'][string]>({ total: COUNT, free: COUNT })),
  }),
  topologyBus: form<TopologyBus>({
    name: TEXT,
    model: maybe(TEXT),
    controller: maybe(TEXT),
    in: SIDE,
    ports: list(
      form<TopologyPort>({
        address: TEXT,
        free: BOOLEAN,
        hotplug: BOOLEAN,
        canonical: maybe(TEXT),
        live: maybe(TEXT),
      }),
    ),
  }),
  topologyDevice: form<TopologyDevice>({
    identity: TEXT,
    kind: TEXT,
    id: maybe(TEXT),
    detail: TEXT,
    address: maybe(TEXT),
    liveAddress: maybe(TEXT),
    in: SIDE,
    atNextBoot: words('stays', 'moves', 'comes', 'goes', 'changes'),
    changes: list(form<TopologyChange>({ path: TEXT, from: maybe(TEXT), to: maybe(TEXT) })),
    reason: maybe(TEXT),
    askedBy: words('intent', 'libvirt', 'another-client'),
    makes: maybe(TEXT),
    xml: TEXT,
  }),
};
