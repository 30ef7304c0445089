import type { CallOptions, Connection } from '../connection/index.js';
import { type Addition, type CpuSpec, type DomainSpec, formatValue, specInvalid } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { baselineCpu, type MigrationDestination } from '../migration/index.js';

/** Fields of a CPU that a baseline decides. */
const DECIDED = ['mode', 'model', 'vendor', 'pin'] as const;

/**
 * Puts the CPU that all the hosts of `cpu.baseline` can run, and this one, in the place of that field. Features that the
 * caller names stand as the caller said.
 */
export async function resolveBaseline(
  connection: Connection,
  spec: DomainSpec,
  options: CallOptions,
): Promise<{ spec: DomainSpec; added: Addition[] }> {
  const { cpu } = spec;
  if (typeof cpu !== 'object' || cpu === null || cpu.baseline === undefined) return { spec, added: [] };
  const { baseline, ...said } = cpu;
  const hosts = hostsOf(baseline);
  for (const field of DECIDED)
    if (said[field] !== undefined)
      throw specInvalid(`cpu.${field}`, 'does not go with baseline, which decides it', 'Leave one of them out');
  const { type = 'kvm', arch, machine, emulator } = spec;
  const kind = {
    type,
    ...(arch === undefined ? {} : { arch }),
    ...(machine === undefined ? {} : { machine }),
    ...(emulator === undefined ? {} : { emulator }),
  };
  const found = await baselineCpu([connection, ...hosts], kind, options).catch((error: unknown) => {
    if (!(error instanceof LibvirtCanonicalError) || error.code !== 'UNSUPPORTED') throw error;
    throw new LibvirtCanonicalError('UNSUPPORTED', `cpu.baseline: ${error.message}`, {
      path: 'cpu.baseline',
      cause: error,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    });
  });
  const features = { ...(found.cpu.features as CpuSpec['features']), ...said.features };
  const uris = [...new Set([connection, ...hosts].map((each) => ('connection' in each ? each.connection : each).uri))];
  const why = `what ${uris.join(', ')} can all run`;
  const value = `${found.cpu.model} with ${Object.keys(features).length} features`;
  return {
    spec: { ...spec, cpu: { ...found.cpu, ...said, features } },
    added: [{ path: 'cpu', value, by: 'library', why }],
  };
}

function hostsOf(baseline: unknown): readonly MigrationDestination[] {
  const remedy = 'Give connections to hosts, or their managers';
  if (!Array.isArray(baseline) || baseline.length === 0)
    throw specInvalid('cpu.baseline', `${formatValue(baseline)} is not a list of hosts`, remedy);
  for (const [at, host] of baseline.entries()) {
    const connection = typeof host === 'object' && host !== null && 'connection' in host ? host.connection : host;
    if (typeof connection !== 'object' || connection === null || typeof connection.call !== 'function')
      throw specInvalid(`cpu.baseline[${at}]`, `${formatValue(host)} is not a host`, remedy);
  }
  return baseline;
}
