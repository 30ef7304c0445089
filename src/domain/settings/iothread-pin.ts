import type { Setting } from '../operation.js';
import { invalid } from '../values.js';
import { iothreadIds } from './iothreads.js';
import { asObject } from './params.js';
import { planPins } from './pin.js';

/** CPUs of the host for each IOThread, by its id: `{ 1: '0-3' }`. The IOThread must be there already. */
export type IothreadPinRequest = Readonly<Record<number, string>>;

/** `<cputune><iothreadpin>`: virDomainPinIOThread. */
export const iothreadPin: Setting<IothreadPinRequest> = {
  name: 'iothreadPin',
  touches: ['cputune'],
  owns: ['cputune/iothreadpin'],
  plan(value, context, path) {
    const asked = asObject(value, path);
    const { canonical, live } = context;
    const known = iothreadIds(canonical);
    for (const id of Object.keys(asked)) {
      if (!known.includes(id))
        throw invalid(`${path}.${id}`, `the domain has no IOThread ${id}`, 'Add it first, in a plan of its own');
    }
    return planPins(
      {
        name: 'iothreadPin',
        path,
        asked,
        at: (id) => `cputune/iothreadpin[@iothread='${id}']/@cpuset`,
        call: (id, cpumap, flags) => ({
          procedure: 'DOMAIN_PIN_IOTHREAD',
          args: { iothreads_id: Number(id), cpumap, flags },
        }),
        heldBack: (id) =>
          !live || iothreadIds(live).includes(id) ? undefined : 'the running guest does not have this IOThread',
      },
      context,
    );
  },
};
