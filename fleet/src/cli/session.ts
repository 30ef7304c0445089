import { Command, InvalidArgumentError } from 'commander';
import type { Fleet } from 'libvirt-canonical/fleet';
import { connectEngine, type Operations } from '../operations.js';
import { PACKAGE_VERSION } from '../version.js';
import { type FleetConfig, fleetOf, readConfig } from './config.js';

interface Globals {
  readonly config: string;
  readonly json?: boolean;
}

export const out = (text: string): void => void process.stdout.write(`${text}\n`);
/** The command. Each file of commands adds its own. */
export const program = new Command('lvc-fleet')
  .description('Operations over many libvirt hosts that outlive their process')
  .version(PACKAGE_VERSION)
  .option(
    '-c, --config <file>',
    'hosts, store and fences, in YAML or JSON',
    process.env.LVC_FLEET_CONFIG ?? 'fleet.yaml',
  )
  .option('--json', 'plain values for programs')
  .showSuggestionAfterError()
  .exitOverride();

export const globals = (): Globals => program.opts<Globals>();
/** Prints a value for programs, or its text for people. */
export const say = (value: unknown, text: () => string): void => out(globals().json ? JSON.stringify(value) : text());
/** A whole number as an option has it. */
export const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('is no number');
  return Number(text);
};

/** Works with the fleet of the configuration. */
export async function withFleet<T>(work: (fleet: Fleet, config: FleetConfig) => Promise<T>): Promise<T> {
  const config = readConfig(globals().config);
  const fleet = await fleetOf(config);
  try {
    return await work(fleet, config);
  } finally {
    await fleet.close();
  }
}

/** Works with the operations of the configuration's store. */
export async function withOperations<T>(work: (engine: Operations, config: FleetConfig) => Promise<T>): Promise<T> {
  const config = readConfig(globals().config);
  const engine = await connectEngine({ store: config.store ?? 'embedded' });
  try {
    return await work(engine, config);
  } finally {
    await engine.close();
  }
}
