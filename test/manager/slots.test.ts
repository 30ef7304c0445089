import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain, Plan } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { documentOf, type Form } from './forms/form.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

async function defined(name: string, form: Omit<Form, 'name'>): Promise<ManagedDomain> {
  const b = await bench();
  const rival = await b.rival();
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml: documentOf({ name, ...form }, name), flags: 0 });
  return b.manager.get(name);
}

const at = (bus: number, slot: number, fn: number, more = '') =>
  `<address type='pci' domain='0x0000' bus='0x0${bus}' slot='0x${slot.toString(16).padStart(2, '0')}' function='0x${fn}'${more}/>`;
const nic = (id: string, last: number, place = '', model = 'virtio') =>
  `<interface type='user'><mac address='52:54:00:00:00:0${last}'/><model type='${model}'/><alias name='ua-${id}'/>${place}</interface>`;
const texts = ({ operations, refusals }: Plan) => [
  ...operations
    .filter(({ subject }) => subject !== 'intent')
    .map(({ action, subject, scope }) => `${action} ${subject} ${scope}`),
  ...refusals.map(({ subject, reason }) => `refused ${subject}: ${reason}`),
];

test('plan: one function of a PCI slot is not unplugged, and function 0 goes for good with the others only', async () => {
  const devices = nic('zero', 1, at(3, 0, 0, " multifunction='on'")) + nic('one', 2, at(3, 0, 1));
  const domain = await defined('functions', { devices });
  const detach = async (ids: string[], options = {}) =>
    domain.plan({ detach: ids.map((id) => ({ interface: id })), ...options });
  assert.match(texts(await detach(['zero'])).at(-1) ?? '', /^refused interface zero: it is function 0 /);
  assert.equal(texts(await detach(['one'])), ['detach interface one config']);
  assert.equal(texts(await detach(['zero', 'one'])), ['detach interface zero config', 'detach interface one config']);
  await domain.start({ paused: true });
  for (const id of ['zero', 'one'])
    assert.match(texts(await detach([id])).join(), /^refused interface \w+: it shares its PCI slot with /);
  const later = await detach(['zero', 'one'], { ifNotLive: 'next-boot' });
  assert.equal(texts(later), ['detach interface zero config', 'detach interface one config']);
  // What the plan refuses is what libvirt refuses.
  const rival = await (await bench()).rival();
  const { dom } = await rival.call('DOMAIN_LOOKUP_BY_NAME', { name: 'functions' });
  const sent = rival.call('DOMAIN_DETACH_DEVICE_ALIAS', { dom, alias: 'ua-one', flags: 1 });
  assert.match(await sent.then(() => 'done', String), /multifunction PCI guest address/);
  await domain.destroy();
});

/** Places that the planner gives away by name only, and where a device comes back to all the same. */
const FORMER: ReadonlyArray<readonly [name: string, form: Omit<Form, 'name'>, request: object, address: string]> = [
  [
    'slot-2-of-pc',
    { machine: 'pc', devices: nic('back', 1, at(0, 2, 0), 'e1000') },
    { interface: { id: 'back', user: true, mac: '52:54:00:00:00:01', model: 'e1000' } },
    'pci 0000:00:02.0',
  ],
  [
    'root-bus-of-q35',
    { devices: nic('back', 1, at(0, 9, 0)) },
    { interface: { id: 'back', user: true, mac: '52:54:00:00:00:01' } },
    'pci 0000:00:09.0',
  ],
  [
    'function-of-a-slot',
    { devices: nic('zero', 2, at(3, 0, 0, " multifunction='on'")) + nic('back', 1, at(3, 0, 1)) },
    { interface: { id: 'back', user: true, mac: '52:54:00:00:00:01' } },
    'pci 0000:03:00.1',
  ],
  [
    'scsi-target',
    {
      devices:
        "<controller type='scsi' model='virtio-scsi'/><disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><alias name='ua-back'/><address type='drive' controller='0' bus='0' target='5' unit='3'/></disk>",
    },
    "<disk type='file' device='cdrom'><target dev='sda' bus='scsi'/><alias name='ua-back'/></disk>" as unknown as object,
    'drive 0:0:5:3',
  ],
];

for (const [name, form, request, address] of FORMER)
  test(`a device comes back to where it sat, whoever gave it the place: ${name}`, async () => {
    const domain = await defined(name, form);
    await domain.apply(await domain.planTowards(await domain.canonical()));
    const id = name === 'scsi-target' ? { disk: 'back' } : { interface: 'back' };
    await domain.apply(await domain.plan({ detach: [id] }));
    await domain.apply(await domain.plan({ attach: [request as never] }));
    const back = (await domain.devices()).find(({ identity }) => identity.endsWith(' back'));
    assert.is(back?.address, address);
  });

test.run();
