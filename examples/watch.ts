/**
 * Watches a domain while others have their hands on it: drift, a device that goes, a crash.
 *
 *   npm run example watch [-- URI]
 */
import { connect, DomainManager } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const domain = await new DomainManager(connection).define({
  name: place.name,
  type: place.type,
  memory: '128 MiB',
  title: 'ours',
  disks: [{ id: 'root', target: 'vda', file: await place.disk('root'), boot: 1 }],
  devices: ["<input type='tablet' bus='usb'><alias name='ua-pen'/></input>"],
});

try {
  await domain.start();
  await using findings = domain.watch({ interval: 1_000 });
  await findings.ready;

  // Somebody else: another connection, and calls that this library knows nothing of.
  await using other = await connect(place.uri);
  const { dom } = await other.call('DOMAIN_LOOKUP_BY_NAME', { name: place.name });
  const [live, config, title] = [1, 2, 1];
  await other.call('DOMAIN_SET_METADATA', {
    dom,
    type: title,
    metadata: 'theirs',
    key: null,
    uri: null,
    flags: config,
  });
  await other.call('DOMAIN_DETACH_DEVICE_ALIAS', { dom, alias: 'ua-pen', flags: live });

  let left = 2;
  for await (const finding of findings) {
    if (finding.type === 'drift')
      for (const { action, subject } of finding.drift.changes) console.log(`Drift: ${action} ${subject}`);
    else if (finding.type === 'device-removed')
      console.log(`Gone: ${finding.device.identity}, at the next boot ${finding.nextBoot}`);
    else console.log(`Found: ${finding.type}`);
    if (--left === 0) break;
  }
} finally {
  await domain.destroy();
  await domain.undefine();
}
