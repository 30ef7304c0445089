import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DOMAIN_ABI, type DomainAbiRow } from '../../../src/domain/guest-abi/fields.js';
import { compareGuestAbi, DomainDocument, deviceKinds, guestAbi } from '../../../src/domain/index.js';
import { under } from '../../../src/xml/index.js';
import { documents, mutated, type Place, placesOf } from './mutate.js';

const test = suite('the guest ABI, by mutation');

/** Compared for every device, whatever its kind. */
const ANY_DEVICE = ['address', 'boot/@order', 'acpi/@index'];
/** Parts of an address that libvirt's own check does not compare either (virDomainDeviceInfoCheckABIStability). */
const NOT_THE_PLACE = ['address/@multifunction', 'address/@reg'];

/** Rows that no document exercises, each with the reason. */
const UNEXERCISED: Readonly<Record<string, string>> = {};

test('every field of the domain table is reported when it alone changes', () => {
  for (const row of DOMAIN_ABI) {
    let exercised = 0;
    for (const [name, xml] of documents) {
      const before = new DomainDocument(xml);
      for (const place of placesOf(before)) {
        if (place.device !== undefined || !matches(row, place.path)) continue;
        exercised++;
        const found = differences(before, xml, place);
        assert.is(found.length, 1, `${name} ${place.path}: ${JSON.stringify(found)}`);
        assert.is(found[0]?.subject, 'domain');
        assert.is(found[0]?.field, place.path);
        assert.is.not(found[0]?.before, found[0]?.after);
      }
    }
    covered(row.path, exercised);
  }
});

for (const kind of deviceKinds()) {
  test(`every ABI field of ${kind.element} is reported when it alone changes`, () => {
    for (const field of kind.abi) {
      let exercised = 0;
      for (const [name, xml] of documents) {
        const before = new DomainDocument(xml);
        for (const place of placesOf(before)) {
          const device = before.devices[place.device ?? -1];
          if (device?.kind !== kind || !under(place.path, field)) continue;
          exercised++;
          const found = differences(before, xml, place);
          const where = `${name} ${device.identity} ${place.path}`;
          assert.ok(found.length > 0, `${where} is not reported`);
          // A device that lost both its name and its place, having none, is gone and another one is there.
          const replaced = device.address === undefined && found.every((each) => each.field === 'device');
          if (replaced) continue;
          assert.is(found.length, 1, `${where}: ${JSON.stringify(found)}`);
          assert.is(found[0]?.subject, device.identity, where);
          assert.is(found[0]?.field, place.path, where);
          assert.is(found[0]?.before, place.value, where);
          assert.is.not(found[0]?.after, place.value, where);
        }
      }
      covered(`${kind.element} ${field}`, exercised);
    }
  });
}

test('the address, the boot order and the ACPI index of any device are reported', () => {
  for (const field of ANY_DEVICE) {
    let exercised = 0;
    for (const [name, xml] of documents) {
      const before = new DomainDocument(xml);
      for (const place of placesOf(before)) {
        if (place.device === undefined || !under(place.path, field)) continue;
        if (NOT_THE_PLACE.includes(place.path)) continue;
        exercised++;
        const found = differences(before, xml, place);
        assert.ok(found.length > 0, `${name} device ${place.device} ${place.path}`);
        assert.ok(found.every((each) => each.subject !== 'domain'));
      }
    }
    covered(field, exercised);
  }
});

test('nothing outside the tables is reported', () => {
  let outside = 0;
  for (const [name, xml] of documents) {
    const before = new DomainDocument(xml);
    for (const place of placesOf(before)) {
      if (inside(before, place)) continue;
      // A device of another name is another device, which `device` reports.
      if (renamed(before, xml, place)) continue;
      outside++;
      assert.equal(differences(before, xml, place), [], `${name} ${place.device ?? 'domain'} ${place.path}`);
    }
  }
  assert.ok(outside > 400, `${outside} places outside`);
});

test('what moves while the machine stays the same is compared on request only', () => {
  const xml = documents.get('abi/q35.xml') as string;
  const before = new DomainDocument(xml);
  for (const place of placesOf(before)) {
    const row = place.device === undefined ? DOMAIN_ABI.find((each) => matches(each, place.path)) : undefined;
    if (!row) continue;
    const after = guestAbi(mutated(xml, place));
    assert.is(compareGuestAbi(guestAbi(before), after).length, row.volatile ? 0 : 1, place.path);
    const live = compareGuestAbi(guestAbi(before), after, { live: true, volatile: 'compare' });
    // A running guest has whole MiB.
    const mebibytes = ({ domain }: ReturnType<typeof guestAbi>) =>
      Math.ceil(Number.parseInt(domain[place.path] ?? '', 10) / 1024);
    const isSame = row.aligned && mebibytes(guestAbi(before)) === mebibytes(after);
    assert.is(live.length, row.live || isSame ? 0 : 1, `${place.path} against a live document`);
  }
});

test('canonical and live document of a running domain have the same guest ABI', () => {
  const pairs = [...documents.keys()].filter((name) => documents.has(name.replace('.xml', '.live.xml')));
  assert.ok(pairs.length > 0);
  for (const name of pairs) {
    const [canonical, live] = [name, name.replace('.xml', '.live.xml')].map((each) =>
      guestAbi(new DomainDocument(documents.get(each) as string)),
    );
    assert.ok(canonical && live);
    const found = compareGuestAbi(canonical, live, { live: true });
    // One of the fixtures is a domain whose documents were made to differ.
    if (!name.startsWith('diverged')) assert.equal(found, [], name);
    else assert.ok(found.length > 0 && found.every(({ field }) => field === 'device'), JSON.stringify(found));
  }
});

test('a device too many or too few is named', () => {
  const xml = documents.get('abi/q35.xml') as string;
  const before = guestAbi(new DomainDocument(xml));
  const after = { ...before, devices: before.devices.slice(1) };
  const [lost] = before.devices;
  assert.ok(lost);
  assert.equal(compareGuestAbi(before, after), [
    { subject: lost.identity, field: 'device', before: lost.address, after: undefined },
  ]);
  assert.equal(compareGuestAbi(after, before), [
    { subject: lost.identity, field: 'device', before: undefined, after: lost.address },
  ]);
});

test('every row says where libvirt compares it', () => {
  for (const { path, source } of DOMAIN_ABI) assert.ok(source.length > 5, path);
});

test.run();

function differences(before: DomainDocument, xml: string, place: Place) {
  return compareGuestAbi(guestAbi(before), guestAbi(mutated(xml, place)), { volatile: 'compare' });
}

function matches({ path: pattern }: DomainAbiRow, path: string): boolean {
  const plain = path.replace(/\[\d+\]/g, '');
  const below = pattern.endsWith('/**') ? pattern.slice(0, -3) : undefined;
  return below === undefined ? plain === pattern : plain === below || plain.startsWith(`${below}/`);
}

/** True for a place that some table has, and for units, which belong to the value beside them. */
function inside(document: DomainDocument, { device, path }: Place): boolean {
  if (path.endsWith('@unit')) return true;
  if (device === undefined) return DOMAIN_ABI.some((row) => matches(row, path));
  const { kind } = document.devices[device] as (typeof document.devices)[number];
  if (NOT_THE_PLACE.includes(path)) return false;
  return [...kind.abi, ...ANY_DEVICE].some((field) => under(path, field));
}

function renamed(before: DomainDocument, xml: string, place: Place): boolean {
  if (place.device === undefined) return false;
  return mutated(xml, place).devices[place.device]?.name !== before.devices[place.device]?.name;
}

function covered(row: string, exercised: number): void {
  const excuse = UNEXERCISED[row];
  if (exercised === 0) assert.ok(excuse, `no document has ${row}`);
  else assert.is(excuse, undefined, `${row} is exercised after all`);
}
