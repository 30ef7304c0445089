/**
 * Holds a manager to the promise that nothing moves: plain virsh, through holes and reboots, and one that generates its document
 * anew. The guest, QEMU and libvirt say where each device is. On private hosts.
 *
 *   npm run example conformance
 */
import { driverCommand, keeps, movedIn, runConformance } from 'libvirt-canonical/conformance';

const report = await runConformance({
  drivers: [driverCommand('virsh'), driverCommand('nova')],
  scenarios: ['short matrix'],
  onProgress: ({ driver, step }) => step && console.log(`${driver}: ${step.event}, ${step.claim}`),
});
for (const driver of report.drivers) {
  console.log(`${driver.name}: ${keeps(driver) ? 'nothing moved' : 'the promise is broken'}`);
  for (const { steps } of driver.courses)
    for (const step of steps)
      if (movedIn(step).length > 0) console.log(`  moved by ${step.event}: ${movedIn(step).join(', ')}`);
}
