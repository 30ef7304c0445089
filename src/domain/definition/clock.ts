import {
  decodeSpec,
  encodeSpec,
  type Field,
  type FieldTable,
  flag,
  group,
  integer,
  oneOf,
  text,
} from '../devices/fields.js';
import { object } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import { record, signed, wordKey } from './forms.js';

const TIMERS = ['rtc', 'pit', 'hpet', 'tsc', 'kvmclock', 'hypervclock', 'platform', 'armvtimer'] as const;

/** A source of time that the guest may use. libvirt: `<timer>`. */
export interface TimerSpec {
  readonly present?: boolean | undefined;
  /** What becomes of ticks that the guest missed. */
  readonly tickpolicy?: 'delay' | 'catchup' | 'merge' | 'discard' | undefined;
  /** Limits of `catchup`. */
  readonly catchup?:
    | {
        readonly threshold?: number | undefined;
        readonly slew?: number | undefined;
        readonly limit?: number | undefined;
      }
    | undefined;
  /** Of `rtc` and `platform`. */
  readonly track?: 'boot' | 'guest' | 'wall' | 'realtime' | undefined;
  /** Of `tsc`, in Hz. */
  readonly frequency?: number | undefined;
  /** Of `tsc`. */
  readonly mode?: 'auto' | 'native' | 'emulate' | 'paravirt' | 'smpsafe' | undefined;
}

/** The guest's clock. libvirt: `<clock>`. All of it is fixed at define. */
export interface ClockSpec {
  /**
   * What the clock shows at boot: UTC (default), the host's local time, the time of a zone, a time in seconds off UTC or
   * local time, or a fixed time in seconds since 1970 (libvirt 8.4.0). Windows reads the clock as local time.
   */
  readonly offset?:
    | 'utc'
    | 'localtime'
    | { readonly timezone: string }
    | { readonly variable: number; readonly basis?: 'utc' | 'localtime' | undefined }
    | { readonly absolute: number }
    | undefined;
  /** Of `utc` and `localtime`: `reset` forgets what a guest set the clock to. */
  readonly adjustment?: 'reset' | undefined;
  /**
   * Timers by name; those that are not named are QEMU's own choice. `linux` and `windows` are the sets that virt-install,
   * oVirt, Nova and KubeVirt agree on.
   */
  readonly timers?: 'linux' | 'windows' | Timers | undefined;
}

/** Timers by name. */
type Timers = { readonly [T in (typeof TIMERS)[number]]?: TimerSpec | undefined };

const TIMER: FieldTable<TimerSpec> = {
  present: flag('@present'),
  tickpolicy: oneOf('@tickpolicy', ['delay', 'catchup', 'merge', 'discard']),
  catchup: group<NonNullable<TimerSpec['catchup']>>({
    threshold: integer('catchup/@threshold', { min: 1 }),
    slew: integer('catchup/@slew', { min: 1 }),
    limit: integer('catchup/@limit', { min: 1 }),
  }),
  track: oneOf('@track', ['boot', 'guest', 'wall', 'realtime']),
  frequency: integer('@frequency', { min: 1 }),
  mode: oneOf('@mode', ['auto', 'native', 'emulate', 'paravirt', 'smpsafe']),
};

const OFFSETS = {
  timezone: text('clock/@timezone', { pattern: /^[\w+/-]+$/, expected: "a zone such as 'Europe/Berlin'" }),
  variable: signed('clock/@adjustment'),
  absolute: integer('clock/@start'),
};
const BASIS = oneOf('clock/@basis', ['utc', 'localtime']);

/** `<clock offset=…>` with what belongs to each word. */
function offset(): Field<NonNullable<ClockSpec['offset']>> {
  return {
    paths: ['clock/@offset', ...Object.values(OFFSETS).flatMap(({ paths }) => paths), ...BASIS.paths],
    schema: {
      anyOf: [
        { enum: ['utc', 'localtime'] },
        object({ timezone: OFFSETS.timezone.schema }, ['timezone']),
        object({ variable: { ...OFFSETS.variable.schema, description: 'Seconds' }, basis: BASIS.schema }, ['variable']),
        object({ absolute: { ...OFFSETS.absolute.schema, description: 'Seconds since 1970' } }, ['absolute']),
      ],
    },
    encode(value, where) {
      if (value === 'utc' || value === 'localtime') return [['clock/@offset', value]];
      const known = { ...OFFSETS, basis: BASIS };
      const assignments =
        typeof value === 'object' &&
        value !== null &&
        encodeSpec(known as unknown as FieldTable<typeof value>, value, where);
      const word = Object.keys(OFFSETS).filter((key) => Object.hasOwn(value ?? {}, key));
      if (!assignments || word.length !== 1)
        throw specInvalid(
          where,
          `${formatValue(value)} is not an offset`,
          `Give utc, localtime, or one of ${Object.keys(OFFSETS)}`,
        );
      if ('basis' in value && word[0] !== 'variable') throw specInvalid(`${where}.basis`, 'belongs to variable');
      return [['clock/@offset', word[0] as string], ...assignments];
    },
    decode(leaves) {
      const word = leaves.get('clock/@offset');
      if (word === 'utc' || word === 'localtime') return word;
      if (word === 'variable')
        return { variable: Number(leaves.get('clock/@adjustment') ?? 0), ...decodeSpec({ basis: BASIS }, leaves) };
      const found = decodeSpec(OFFSETS, leaves);
      if (word === 'timezone' && found.timezone !== undefined) return { timezone: found.timezone };
      return word === 'absolute' && found.absolute !== undefined ? { absolute: found.absolute } : undefined;
    },
  };
}

/** `adjustment='reset'`; a number there is `offset: { variable }`, which libvirt makes of it. */
function adjustment(): Field<'reset'> {
  return oneOf('clock/@adjustment', ['reset']);
}

/** Sets of timers that virt-install, oVirt, Nova and KubeVirt agree on. */
export const TIMER_SETS = {
  linux: { rtc: { tickpolicy: 'catchup' }, pit: { tickpolicy: 'delay' }, hpet: { present: false } },
  windows: {
    rtc: { tickpolicy: 'catchup' },
    pit: { tickpolicy: 'delay' },
    hpet: { present: false },
    hypervclock: { present: true },
  },
} as const satisfies Readonly<Record<string, Timers>>;

/** `<timer>` by its name; a word stands for a set. */
function timers(): Field<NonNullable<ClockSpec['timers']>> {
  const each = record('clock/timer', '@name', group<TimerSpec>(TIMER), wordKey(TIMERS)) as Field<Timers>;
  return {
    ...each,
    schema: { anyOf: [{ enum: Object.keys(TIMER_SETS), description: 'A set of timers' }, each.schema] },
    encode(value, where) {
      if (typeof value !== 'string') return each.encode(value, where);
      if (!Object.hasOwn(TIMER_SETS, value))
        throw specInvalid(
          where,
          `${formatValue(value)} is not a set of timers`,
          `Give one of ${Object.keys(TIMER_SETS).join(', ')}, or timers by name`,
        );
      return each.encode(TIMER_SETS[value], where);
    },
  };
}

/** `<clock>`. */
export const clock: Field<ClockSpec> = group<ClockSpec>({
  offset: offset(),
  adjustment: adjustment(),
  timers: timers(),
});
