import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument } from '../../src/domain/index.js';
import { trustFindings } from '../../src/evacuation/trust.js';
import { fixture } from '../support/fixtures.js';

const QEMU = 'http://libvirt.org/schemas/domain/qemu/1.0';
const domain = (devices: string, more = '') =>
  new DomainDocument(`<domain type='kvm'><name>x</name><devices>${devices}</devices>${more}</domain>`);
const subjects = (document: DomainDocument, autostart = false) =>
  trustFindings(document, autostart).map(({ severity, subject }) => `${severity} ${subject}`);

test('trustFindings: each way into the host is listed, and what stays within the machine is not', () => {
  for (const [devices, subject] of [
    [
      "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>",
      'hostdev',
    ],
    [
      "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>",
      'hostdev',
    ],
    ["<interface type='hostdev'><mac address='52:54:00:00:00:09'/></interface>", 'interface'],
    ["<interface type='direct'><mac address='52:54:00:00:00:09'/></interface>", 'interface'],
    ["<disk type='block'><source dev='/dev/sda'/><target dev='vda'/></disk>", 'disk'],
    ["<filesystem type='mount'><source dir='/'/><target dir='x'/></filesystem>", 'filesystem'],
    ["<tpm model='tpm-crb'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", 'tpm'],
    ['<emulator>/tmp/evil</emulator>', 'emulator'],
  ] as const) {
    const found = subjects(domain(devices));
    assert.is(found.length, 1, devices);
    assert.ok(found[0]?.startsWith(`warns ${subject}`), `${found[0]} for ${devices}`);
  }
  assert.equal(subjects(domain('', `<q:commandline xmlns:q='${QEMU}'><q:arg value='-S'/></q:commandline>`)), [
    'warns domain',
  ]);
  assert.equal(subjects(domain(''), true), ['warns domain']);
  assert.equal(
    subjects(
      domain(
        "<emulator>/usr/bin/qemu-system-x86_64</emulator><disk type='file'><source file='/a'/><target dev='vda'/></disk><interface type='user'/>",
      ),
    ),
    [],
  );
  assert.equal(subjects(new DomainDocument(fixture('off.xml'))), []);
});

test.run();
