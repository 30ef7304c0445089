import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DomainTopology, topology, topologyHtml, topologySvg, topologyText } from '../../src/index.js';
import { parseXml } from '../../src/xml/index.js';
import { largeDomain } from './large-domain.js';

const { canonical, live } = largeDomain();
const picture = topology(canonical, live);
const device = (identity: string, of: DomainTopology = picture) =>
  of.devices.find((each) => each.identity === identity);
const port = (address: string) => picture.buses.flatMap(({ ports }) => ports).find((each) => each.address === address);

test('topology: both addresses of each device, and what the next boot does with it', () => {
  assert.is(picture.domain.running, true);
  const moved = device('disk moved');
  assert.is(moved?.address, 'pci 0000:15:00.0');
  assert.is(moved?.liveAddress, 'pci 0000:16:00.0');
  assert.equal(
    [
      'disk root',
      'disk moved',
      'interface 52:54:00:00:00:01',
      'interface 52:54:00:00:00:02',
      'interface 52:54:00:00:00:03',
    ].map((identity) => device(identity)?.atNextBoot),
    ['stays', 'moves', 'changes', 'comes', 'goes'],
  );
  assert.equal(device('interface 52:54:00:00:00:01')?.changes, [{ path: 'link/@state', from: 'up', to: 'down' }]);
});

test('topology: who asked for a device', () => {
  assert.equal(
    ['disk root', 'disk vol8', 'memballoon memballoon', 'controller scsi0'].map((each) => device(each)?.askedBy),
    ['intent', 'another-client', 'libvirt', 'libvirt'],
  );
});

test('topology: a port is free only when neither document has a device there', () => {
  assert.equal(port('pci 0000:15:00.0'), {
    address: 'pci 0000:15:00.0',
    free: false,
    hotplug: true,
    canonical: 'disk moved',
    live: undefined,
  });
  assert.is(port('pci 0000:16:00.0')?.live, 'disk moved');
  assert.is(port('pci 0000:18:00.0')?.free, true);
  const free = picture.buses
    .filter(({ name }) => name.startsWith('pci '))
    .flatMap(({ ports }) => ports.filter((each) => each.free && each.hotplug));
  assert.is(free.length, picture.capacity.pci?.free);
});

test('topology: a domain that is off stays as it is; a text that is no document is refused', () => {
  const off = topology(canonical);
  assert.is(off.domain.running, false);
  assert.ok(off.devices.every(({ atNextBoot, liveAddress }) => atNextBoot === 'stays' && liveAddress === undefined));
  for (const wrong of [undefined, 3, ''])
    assert.throws(() => topology(wrong as never), /topology: canonical must be domain XML/);
  assert.throws(() => topology(canonical, live, { libvirtVersoin: '9.0.0' } as never), /Did you mean libvirtVersion/);
});

test('pictures: hold no secret, and every device; JSON keeps the data', () => {
  assert.match(canonical, 'hunter2-planted');
  const again = JSON.parse(JSON.stringify(picture)) as DomainTopology;
  for (const text of [topologySvg(again), topologyHtml(again), topologyText(again), JSON.stringify(picture)])
    assert.not.match(text, 'hunter2-planted');
  const html = topologyHtml(again);
  for (const { id } of picture.devices) if (id !== undefined) assert.match(html, `disk ${id}`);
  assert.match(html, 'passwd=&quot;(secret)&quot;');
});

test('pictures: whatever a document says is shown, and never obeyed', () => {
  const evil = `</title></script><script>alert("1")</script>'"&\u202e`;
  const hostile: DomainTopology = {
    ...picture,
    domain: { ...picture.domain, name: evil, title: `${evil}\u0007` },
    devices: picture.devices.map((each) => ({
      ...each,
      identity: `${each.identity}${evil}`,
      detail: evil,
      xml: `<a b='${evil}'/>`,
    })),
    buses: picture.buses.map((bus) => ({
      ...bus,
      model: evil,
      ports: bus.ports.map(({ canonical: c, live: l, ...rest }) => ({
        ...rest,
        canonical: c && c + evil,
        live: l && l + evil,
      })),
    })),
  };
  for (const text of [topologySvg(hostile), topologyHtml(hostile)]) {
    assert.not.match(text, '<script');
    assert.not.match(text, '</script');
    assert.not.match(text, '\u202e');
    assert.not.match(text, '\u0007');
  }
  parseXml(topologySvg(hostile));
  assert.not.match(topologyText(hostile), '\u0007');
  assert.not.match(topologyHtml(picture), /(?:src|href)="(?!#)/);
});

test('topologyText: one line for each device, what moves in both of its places', () => {
  const text = topologyText(picture);
  assert.match(text, /port 22 {2}\* 16:00\.0 disk moved vdb virtio {2}<- moves to 15:00\.0 at the next boot/);
  assert.match(text, /port 21 {2}\* 15:00\.0 disk moved vdb virtio {2}<- here from the next boot on, now at 16:00\.0/);
  assert.match(text, '`- 5 free 0:0:0:11 to 0:0:0:15');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: plain ASCII is what is promised
  assert.match(text, /^[\x0a\x20-\x7e]*$/);
});

test('topologySvg: what is not a topology is refused', () => {
  for (const draw of [topologySvg, topologyHtml, topologyText])
    assert.throws(() => draw({} as never), /picture must be what `await domain.topology\(\)`/);
});

test.run();
