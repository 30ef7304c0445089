import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type LibvirtError } from '../../src/connection/index.js';
import { PrivateHost, privilegedProblem } from '../../src/testing/index.js';
import { asUser, otherUserProblem } from '../support/other-user.js';
import { failure, within } from './helpers.js';

const problem = await privilegedProblem();
if (problem) console.log(`  skipped: ${problem}`);
const test = suite<{ host: PrivateHost }>('polkit');
const privileged = problem ? test.skip : test;
/** The daemon sees who opened the socket, which is who this process is at that moment. */
const asOther = problem || otherUserProblem ? test.skip : test;
if (!problem && otherUserProblem) console.log(`  skipped: another user: ${otherUserProblem}`);

test.before(async (context) => {
  if (problem) return;
  const config = 'auth_unix_rw = "polkit"\nunix_sock_rw_perms = "0777"\n';
  context.host = await within(PrivateHost.start({ privileged: true, config }), 60_000);
});
test.after(async ({ host }) => {
  await host?.stop();
});

privileged('connect: root is let in', async ({ host }) => {
  await using connection = await within(connect(host.uri), 60_000);
  assert.ok((await connection.call('CONNECT_GET_HOSTNAME', {})).hostname.length > 0);
});

asOther('connect: another user is refused by a real daemon, whose polkit cannot be asked', async ({ host }) => {
  const error = await asUser('nobody', () => failure(connect(host.uri), 'AUTHENTICATION_FAILED', 60_000));
  assert.match(error.message, /polkit did not let this user in: .*start D-Bus and polkit on its host/);
  assert.is((error.cause as LibvirtError).procedure, 'AUTH_POLKIT');
});

test.run();
