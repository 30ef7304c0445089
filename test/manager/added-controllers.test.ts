import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { documentOf, type Form } from './forms/form.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const tablet = "<input type='tablet' bus='usb'/>";
const nic = (model: string) => `<interface type='user'><model type='${model}'/></interface>`;
const channel = (name: string) => `<channel type='null'><target type='virtio' name='${name}'/></channel>`;
const cdrom = (dev: string, bus: string) =>
  `<disk type='file' device='cdrom'><target dev='${dev}' bus='${bus}'/></disk>`;
const each = (letters: string, make: (letter: string) => string) => [...letters].map(make).join('');

/** Buses without a free place, the device that is to go there, and whether libvirt makes room for it. */
const FULL: ReadonlyArray<readonly [form: Form, device: string, grows: boolean]> = [
  [
    { name: 'usb', usb: "<controller type='usb' model='qemu-xhci' ports='2'/>", devices: tablet.repeat(2) },
    tablet,
    false,
  ],
  [
    { name: 'usb-pc', machine: 'pc', usb: "<controller type='usb' model='piix3-uhci'/>", devices: tablet.repeat(2) },
    tablet,
    false,
  ],
  [
    { name: 'bridge', devices: `<controller type='pci' model='pcie-to-pci-bridge'/>${nic('e1000').repeat(31)}` },
    nic('e1000'),
    false,
  ],
  [{ name: 'no-bridge' }, nic('e1000'), true],
  [{ name: 'ports', devices: nic('virtio').repeat(8) }, nic('virtio'), true],
  [{ name: 'sata', devices: each('abcdef', (letter) => cdrom(`sd${letter}`, 'sata')) }, cdrom('sdg', 'sata'), true],
  [{ name: 'no-sata', machine: 'pc' }, cdrom('sda', 'sata'), true],
  [
    { name: 'ide', machine: 'pc', devices: each('abcd', (letter) => cdrom(`hd${letter}`, 'ide')) },
    cdrom('hde', 'ide'),
    false,
  ],
  [{ name: 'serial', devices: `<controller type='virtio-serial' ports='2'/>${channel('a')}` }, channel('b'), true],
  [{ name: 'no-serial' }, channel('a'), true],
  [{ name: 'floppy', machine: 'pc' }, "<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>", true],
];

for (const [form, device, grows] of FULL) {
  test(`plan: ${grows ? 'promises the controller that libvirt adds' : 'refuses where libvirt adds none'}, ${form.name}`, async () => {
    const b = await bench();
    const rival = await b.rival();
    const { dom } = await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml: documentOf(form, form.name), flags: 0 });
    const domain = await b.manager.get(form.name);
    const plan = await domain.plan({ attach: [device] });
    assert.is(plan.refusals.length, grows ? 0 : 1, String(plan));
    if (grows) {
      await domain.apply(plan);
      return;
    }
    // What the plan refuses is what libvirt refuses.
    const done = rival.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml: device, flags: 2 });
    assert.ok(
      await done.then(
        () => false,
        () => true,
      ),
      'libvirt does it',
    );
  });
}

test('plan: refuses where libvirt adds none, a PCI root bus that attaches have filled', async () => {
  const b = await bench();
  const rival = await b.rival();
  const xml = documentOf({ name: 'root', machine: 'pc', devices: nic('e1000').repeat(29) }, 'root');
  const { dom } = await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  const domain = await b.manager.get('root');
  const request = { attach: [nic('e1000')] };
  for (let plan = await domain.plan(request); plan.refusals.length === 0; plan = await domain.plan(request))
    await domain.apply(plan);
  const done = rival.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml: nic('e1000'), flags: 2 });
  assert.ok(
    await done.then(
      () => false,
      () => true,
    ),
    'libvirt does it',
  );
});

test.run();
