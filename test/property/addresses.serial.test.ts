import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PrivateHost } from '../../src/testing/index.js';
import { tellFigures } from '../support/figures.js';
import { PropertyFailed, walk } from './run.js';
import { CanonicalSubject, RegeneratingSubject, TravellingSubject } from './subject.js';

test('no address moves over random changes and reboots, by libvirt and by QEMU', async () => {
  await using host = await PrivateHost.start();
  const figures = await walk({ host, define: CanonicalSubject.define, steps: 80, maxCommands: 25 });
  assert.ok(
    figures.defines.every((count) => count === 1),
    `defines for each domain: ${figures.defines}`,
  );
  tellFigures({ 'random operations run': figures.checks });
});

test('no address moves on the way to another host and back, between changes of every kind', async () => {
  await using host = await PrivateHost.start();
  await using other = await PrivateHost.start();
  const define = TravellingSubject.between(other);
  const figures = await walk({ host, define, travels: true, steps: 16, maxCommands: 16 });
  assert.ok(figures.defines.every((count) => count === 1));
  tellFigures({ 'random operations run': figures.checks });
});

test('no address moves for the guest itself either', async () => {
  await using host = await PrivateHost.start();
  const guest = await host.guest({ name: 'walker' });
  const figures = await walk({ host, guest, define: CanonicalSubject.define, steps: 20, maxCommands: 14 });
  assert.ok(figures.defines.every((count) => count === 1));
  tellFigures({ 'random operations run': figures.checks });
});

test('control: the same property fails for a manager that regenerates', async () => {
  await using host = await PrivateHost.start();
  const failure = await walk({ host, define: RegeneratingSubject.define, steps: 400, maxCommands: 25 }).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(failure, PropertyFailed, 'the regenerating manager was not caught');
  assert.match((failure as PropertyFailed).message, /is where it was/);
});

test.run();
