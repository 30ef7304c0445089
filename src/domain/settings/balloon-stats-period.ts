import type { DomainDocument } from '../document.js';
import { count, refusal } from './params.js';
import type { Setting } from './setting.js';
import { planSides, type Values } from './sides.js';

const seconds = count('int', { max: 2 ** 31 - 1 });

/** `<memballoon><stats period>`, in seconds, 0 for none: virDomainSetMemoryStatsPeriod. The guest's balloon driver reports. */
export const balloonStatsPeriod: Setting<number> = {
  name: 'balloonStatsPeriod',
  schema: seconds.schema,
  sideEffects: ['devices/memballoon/stats'],
  paths: ['devices/memballoon/stats'],
  ofDevice: {
    kind: 'memballoon',
    path: 'stats',
    read: ({ leaves }) => (leaves.has('stats/@period') ? Number(leaves.get('stats/@period')) : undefined),
  },
  shown: (document) => read(document).period,
  plan(value, { canonical, live }, path) {
    const text = seconds.parse(value, path);
    const period = text === '0' ? undefined : text;
    const model = canonical.value('devices/memballoon/@model') ?? 'none';
    if (!model.startsWith('virtio') && period !== read(canonical).period) {
      return refusal({
        subject: 'balloonStatsPeriod',
        path,
        reason: 'the domain has no virtio memory balloon (qemuDomainSetMemoryStatsPeriod)',
        remedy: 'No call adds one: it is chosen when the domain is defined',
      });
    }
    const operations = planSides({
      name: 'balloonStatsPeriod',
      canonical: read(canonical),
      live: live && read(live),
      wanted: { period },
      label: () => 'memballoon/stats/@period',
      call: ({ period = '0' }, _, flags) => ({
        procedure: 'DOMAIN_SET_MEMORY_STATS_PERIOD',
        args: { period: Number(period), flags },
      }),
    });
    return { operations, refusals: [] };
  },
};

function read(document: DomainDocument): Values {
  const period = document.value('devices/memballoon/stats/@period');
  return { period: period === '0' ? undefined : period };
}
