/**
 * A program that migrates a guest is killed when all memory is sent: the guest stands still, and nobody resumes it. The next
 * program reads both hosts and what was written down, and brings it to an end. On two private hosts.
 *
 *   npm run example migrate-recover
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { recoverMigration } from 'libvirt-canonical';
import { twoHosts } from './support/two-hosts.js';

await using hosts = await twoHosts();
const { one, two, guest, options } = hosts;
const { uuid } = hosts.domain;
const { bootId } = await guest.one.report();

// The program that dies: with its own eyes on its calls, when the one that sends memory has returned.
const program = `
  import { subscribe } from 'node:diagnostics_channel';
  import { CALL_CHANNEL, connect, DomainManager } from 'libvirt-canonical';
  subscribe(CALL_CHANNEL, ({ phase, procedure }) => {
    if (phase === 'end' && procedure === 'DOMAIN_MIGRATE_PERFORM3_PARAMS') process.kill(process.pid, 'SIGKILL');
  });
  const domain = await new DomainManager(await connect(${JSON.stringify(one.connection.uri)})).get('${uuid}');
  await domain.migrate(await connect(${JSON.stringify(two.connection.uri)}), ${JSON.stringify(options)}).done;
`;
const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
await once(child, 'exit');

const domain = await one.get(uuid);
const { state, reason } = await domain.stateReason();
console.log(`It is ${state} (${reason}); its migration was cut: ${domain.migration?.by.state}`);

const { found, outcome, did, meaning } = await recoverMigration(one, two, uuid);
console.log(`Found: ${found.outcome}; did: ${did.join(', ')}; now: ${outcome}, ${meaning}`);
console.log(`Same boot: ${(await guest.one.report()).bootId === bootId}`);
