import gte from 'semver/functions/gte.js';
import { object } from '../json-schema.js';
import type { ObservedDomain } from '../operation.js';
import { specInvalid } from '../values.js';
import { asObject, type ParamRow, readParams, refusal, requestOf, word } from './params.js';
import type { Setting } from './setting.js';
import { planSides } from './sides.js';

/** What becomes of the domain when the guest powers off, reboots or crashes. libvirt: `<on_poweroff>` and the like. */
export interface LifecycleRequest {
  readonly onPoweroff?: 'destroy' | 'restart' | undefined;
  readonly onReboot?: 'destroy' | 'restart' | undefined;
  readonly onCrash?: 'destroy' | 'restart' | 'preserve' | 'coredump-destroy' | 'coredump-restart' | undefined;
}

/** virDomainLifecycleAction; what QEMU's driver does not do is not offered (qemuValidateLifecycleAction). */
const ACTIONS = ['destroy', 'restart', 'rename-restart', 'preserve', 'coredump-destroy', 'coredump-restart'];
const OFFERED = ['destroy', 'restart'];

/** In the order of virDomainLifecycle. `param` is not used: the call takes numbers. */
const TABLE: { readonly [K in keyof Required<LifecycleRequest>]: ParamRow } = {
  onPoweroff: { param: '', path: 'on_poweroff', form: word(OFFERED) },
  onReboot: { param: '', path: 'on_reboot', form: word(OFFERED) },
  onCrash: {
    param: '',
    path: 'on_crash',
    form: word([...OFFERED, 'preserve', 'coredump-destroy', 'coredump-restart']),
  },
};
const KEYS = Object.keys(TABLE) as Array<keyof typeof TABLE>;

/** `<on_poweroff>`, `<on_reboot>` and `<on_crash>`: virDomainSetLifecycleAction, a call for each. */
export const lifecycle: Setting<LifecycleRequest> = {
  name: 'lifecycle',
  schema: object(Object.fromEntries(KEYS.map((key) => [key, TABLE[key].form.schema]))),
  sideEffects: Object.values(TABLE).map(({ path }) => path),
  paths: Object.values(TABLE).map(({ path }) => path),
  read: ({ root }) => requestOf<LifecycleRequest>(root, TABLE),
  plan(value, context, path) {
    const canonical = readParams(context.canonical.root, TABLE);
    const live = context.live && readParams(context.live.root, TABLE);
    // What stands already is no wish, though libvirt may take a word at define that it does not take later.
    const stands = (key: string, each: unknown) => each === canonical[key] && (!live || each === live[key]);
    const asked = Object.fromEntries(
      Object.entries(asObject(value, path, KEYS)).filter(([key, each]) => !stands(key, each)),
    );
    const wanted = Object.fromEntries(
      Object.entries(asked).map(([key, each]) => [
        key,
        TABLE[key as keyof typeof TABLE].form.parse(each, `${path}.${key}`),
      ]),
    );
    for (const side of [canonical, ...(live ? [live] : [])]) {
      const { onPoweroff, onReboot } = { ...side, ...wanted };
      if (onPoweroff === 'restart' && onReboot === 'destroy')
        throw specInvalid(
          path,
          "onPoweroff 'restart' does not go with onReboot 'destroy' (qemuValidateLifecycleAction)",
        );
    }
    if (live && wanted.onReboot !== undefined && wanted.onReboot !== live.onReboot && !rebootMoves(context)) {
      return refusal({
        subject: 'lifecycle',
        path: `${path}.onReboot`,
        reason: `QEMU ${context.versions.qemu} was started with a fixed action on reboot; QEMU 6.0 can change it`,
        remedy: 'Shut the domain off first',
      });
    }
    // The forbidden pair must not come about between two calls either.
    const order = wanted.onPoweroff === 'restart' ? (['onReboot', 'onPoweroff', 'onCrash'] as const) : KEYS;
    const operations = order
      .filter((key) => key in wanted)
      .flatMap((key) =>
        planSides({
          name: 'lifecycle',
          canonical,
          live,
          wanted: { [key]: wanted[key] },
          label: () => TABLE[key].path,
          call: (change, _, flags) => ({
            procedure: 'DOMAIN_SET_LIFECYCLE_ACTION',
            args: { type: KEYS.indexOf(key), action: ACTIONS.indexOf(change[key] as string), flags },
          }),
        }),
      );
    return { operations, refusals: [] };
  },
};

/** QEMU_CAPS_SET_ACTION. */
function rebootMoves({ versions }: ObservedDomain): boolean {
  return gte(versions.qemu, '6.0.0');
}
