import { randomUUID } from 'node:crypto';
import { connect } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';
import { canonical } from './canonical.js';
import { pictureOf } from './picture.js';
import type { InstanceRecord } from './record.js';
import { regenerate } from './regenerate.js';
import { moved, renderTable, rowsOf, verdictOf } from './table.js';
import { WireRecorder } from './wire.js';

/**
 * Runs the story on two guests of one private host at the same time, and prints what became of their devices. `draw` gets the
 * same as an SVG. Returns the exit code: 0 when regenerating moved something and this library moved nothing.
 */
export async function runDemo(
  print: (text: string) => void,
  draw: (svg: string) => void,
  signal: AbortSignal,
): Promise<0 | 1> {
  const started = performance.now();
  const say = (side: string) => (what: string) =>
    print(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${side.padEnd(10)}  ${what}`);

  await using host = await PrivateHost.start({ signal });
  await using novaConnection = await connect(host.uri, { signal, redefine: 'allow' });
  await using connection = await connect(host.uri, { signal });
  using novaWire = new WireRecorder(novaConnection);
  using wire = new WireRecorder(connection);
  print(`libvirt ${connection.libvirtVersion}, QEMU ${connection.hypervisorVersion}, two guests side by side\n`);

  const instance = async (name: string, mac: string) => {
    const disk = (role: string) => host.createDisk(`${name}-${role}.qcow2`);
    const record: InstanceRecord = {
      uuid: randomUUID(),
      mac,
      root: await disk('root'),
      config: await disk('config'),
      volumes: [],
    };
    return [await host.guest({ name }), record, { id: 'volume', target: 'vdb', file: await disk('volume') }] as const;
  };
  const staged = (side: string, recorder: WireRecorder) => (name: string) => {
    recorder.stage(name);
    say(side)(name);
  };

  const other = await instance('regenerate', '52:54:00:20:16:01');
  const own = await instance('canonical', '52:54:00:20:16:02');
  // When one side fails the other is ended too, so that the host is not taken down under it.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const together = [
    regenerate(novaConnection, ...other, staged('regenerate', novaWire), either),
    canonical(connection, ...own, staged('canonical', wire), either),
  ] as const;
  for (const side of together) side.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(together);
  const [nova, ours] = await Promise.all(together);

  const unlike = rowsOf(nova.before, ours.before, []).filter((row) => moved(row.before, row.regenerated));
  if (unlike.length > 0)
    throw new Error(`the two guests differ before any reboot: ${unlike.map(({ device }) => device).join(', ')}`);
  const rows = rowsOf(ours.before, nova.after, ours.after);
  const verdict = verdictOf(rows, wire.defines);
  print(`\nPCI address and device name of each device, as the guest itself reports them:\n\n${renderTable(rows)}\n`);
  draw(pictureOf(rows));
  print(`${verdict.text}\n`);
  print(`The plan that plugged the volume in:\n\n${ours.plan}\n`);
  print(`Calls on the wire, regenerating (${novaWire.defines} defines):\n\n${novaWire}\n`);
  print(`Calls on the wire, libvirt-canonical (${wire.defines} define):\n\n${wire}`);
  return verdict.exitCode;
}
