import { byName, CPUSET, NUMBER } from '../json-schema.js';
import { specInvalid } from '../values.js';
import { iothreadIds } from './iothreads.js';
import { asObject } from './params.js';
import { pinAt, planPins, readPins } from './pin.js';
import type { Setting } from './setting.js';

/** CPUs of the host for each IOThread, by its id: `{ 1: '0-3' }`. The IOThread must be there, or asked for beside it. */
export type IothreadPinRequest = Readonly<Record<number, string>>;

/** `<cputune><iothreadpin>`: virDomainPinIOThread. */
export const iothreadPin: Setting<IothreadPinRequest> = {
  name: 'iothreadPin',
  schema: byName(CPUSET, NUMBER),
  sideEffects: ['cputune/iothreadpin'],
  paths: ['cputune/iothreadpin'],
  read: (document) => readPins(document, 'iothreadpin', 'iothread'),
  shown: pinAt,
  plan(value, context, path, beside) {
    const asked = asObject(value, path);
    const { canonical, live } = context;
    const added = Object.entries(beside?.iothreads ?? {}).flatMap(([id, params]) => (params === null ? [] : [id]));
    const known = [...iothreadIds(canonical), ...added];
    for (const id of Object.keys(asked)) {
      if (!known.includes(id))
        throw specInvalid(`${path}.${id}`, `the domain has no IOThread ${id}`, 'Add it with iothreads');
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
        liveObstacle: (id) =>
          !live || [...iothreadIds(live), ...added].includes(id)
            ? undefined
            : 'the running guest does not have this IOThread',
      },
      context,
    );
  },
};
