/** Begins a copy of a disk and is killed, with SIGKILL and by itself, at one moment of it. Run by copies-killed.test.ts. */
import { subscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord, connect, DomainManager } from '../../src/index.js';

const [, , uri = '', name = '', what = '', moment = '', file = ''] = process.argv;
const die = () => process.kill(process.pid, 'SIGKILL');
subscribe(CALL_CHANNEL, (message) => {
  const { phase, procedure } = message as CallRecord;
  if (phase === 'end' && procedure === moment) die();
});
const domain = await new DomainManager(await connect(uri)).get(name);
const slowly = { bandwidth: '1 MiB', onProgress: die } as const;
if (what === 'copy') await domain.copyDisk('data', file, moment === 'progress' ? slowly : {});
if (what === 'move') await domain.moveDisk('data', file, slowly);
if (what === 'commit') await domain.commitDisk('data', slowly);
if (what === 'backup')
  await domain.backup({ disks: { data: { file }, noise: { file: `${file}.noise` } }, checkpoint: 'left' });
