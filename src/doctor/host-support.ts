import type { CallOptions, Connection } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import { domainCapabilitiesIfAny, kindOf, machinesOf, newestOf } from '../host/index.js';
import { select } from '../xml/index.js';
import { type Found, found } from './finding.js';

const REMEDY = 'Plan an abiUpgrade, while the domain is off';

/** Machine type and CPU model of a domain that its host deprecates or no longer has. */
export async function checkSupport(
  connection: Connection,
  { root }: DomainDocument,
  options: CallOptions,
): Promise<Found[]> {
  const kind = kindOf(root);
  const { machine } = kind;
  const machines = await machinesOf(connection, kind, options);
  // An alias and what it stands for are both listed.
  const listed = machines.filter(({ name, canonical }) => name === machine || canonical === machine);
  const results: Found[] = [];
  if (machine !== null && machines.length > 0 && listed.length === 0) {
    const newest = newestOf(machines, machine);
    results.push(
      found(
        'machine-removed',
        `the QEMU of this host has no machine ${machine}${newest ? `; the newest of its family is ${newest}` : ''}`,
        REMEDY,
      ),
    );
  }
  if (listed.some(({ deprecated }) => deprecated))
    results.push(found('machine-deprecated', `its machine ${machine} is deprecated`, REMEDY));
  // Without the machine libvirt tells nothing of CPUs, so ask for that of another one.
  const capabilities = await domainCapabilitiesIfAny(
    connection,
    listed.length > 0 ? kind : { ...kind, machine: null },
    options,
  );
  const model = select(root, 'cpu/model')[0]?.textContent ?? undefined;
  const models = capabilities ? select(capabilities, 'cpu/mode[@name="custom"]/model') : [];
  if (model === undefined || models.length === 0) return results;
  const known = models.find(({ textContent }) => textContent === model);
  if (!known) results.push(found('cpu-removed', `this host does not know its CPU model ${model}`, REMEDY));
  if (known?.getAttribute('deprecated') === 'yes')
    results.push(found('cpu-deprecated', `its CPU model ${model} is deprecated`, REMEDY));
  return results;
}
