/**
 * After an upgrade of the host: can it still run the domain, and what would a newer machine and CPU change for its guest?
 * Both only by name: the pinned CPU and the machine type stay until a proposal is confirmed by its token.
 *
 *   npm run example host-upgrade [-- URI]
 */
import { connect, DomainManager, LibvirtCanonicalError } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const domain = await new DomainManager(connection).define({
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  // A machine and a CPU of long ago.
  machine: 'pc-q35-6.2',
  cpu: 'Nehalem',
  disks: [{ id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 }],
});

try {
  const findings = await domain.hostCheck();
  for (const { severity, subject, problem } of findings) console.log(`${severity}: ${subject}: ${problem}`);
  const blocked = findings.some(({ severity }) => severity === 'blocks');
  console.log(`This host ${blocked ? 'cannot run it' : 'runs it as it is'}`);

  const proposal = await domain.proposeAbiUpgrade({ machine: 'newest', cpu: 'Westmere' });
  console.log(`${proposal}`);

  // Nothing is done by the way: without the token of these very changes it is refused.
  try {
    await domain.abiUpgrade(proposal, { confirm: 'yes' });
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    console.log(`Without the token: ${error.code}`);
  }

  const before = await domain.guestAbi();
  const bundle = await domain.abiUpgrade(proposal, { confirm: proposal.token });
  console.log(`Upgraded to ${(await domain.guestAbi()).machine}; ${bundle.abi.machine} is kept in the bundle`);
  const places = (abi: typeof before) => abi.devices.map(({ identity, address }) => `${identity} ${address}`).join();
  console.log(`Every device where it was: ${places(await domain.guestAbi()) === places(before)}`);
} finally {
  await domain.undefine();
}
