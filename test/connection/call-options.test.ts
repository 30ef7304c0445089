import { test } from 'uvu';
import { connect } from '../../src/connection/index.js';
import { DOM, FakeDaemon, failure } from './helpers.js';

test('call and subscribe: an option that is none, or not what it takes, is refused and nothing is sent', async () => {
  await using daemon = await FakeDaemon.start();
  await using connection = await connect(daemon.uri);
  for (const options of [{ timout: 5 }, { timeout: '5' }, { timeout: Number.NaN }, { signal: true }, 5, null, []])
    await failure(connection.call('DOMAIN_GET_STATE', { dom: DOM, flags: 0 }, options as never), 'ARGUMENT_INVALID');
  for (const options of [{ domian: DOM }, { queue: 0 }, { signal: {} }, { domain: 'web' }, 'web'])
    await failure(connection.subscribe('LIFECYCLE', options as never), 'ARGUMENT_INVALID');
  if (daemon.received('DOMAIN_GET_STATE').length > 0) throw new Error('it was sent');
});

test.run();
