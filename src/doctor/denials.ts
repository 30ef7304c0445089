import type { HostFiles } from '../host/index.js';
import { type Found, found } from './finding.js';

/** Where distributions keep what AppArmor and SELinux forbade. */
export const DENIAL_LOGS: readonly string[] = ['/var/log/audit/audit.log', '/var/log/kern.log', '/var/log/syslog'];

/** Bytes at the end of a log that are looked at. */
const TAIL = 1024 ** 2;
/** Longest part of a line that is quoted. */
const QUOTED = 240;

const DENIED =
  /apparmor="DENIED".*\b(?:profile|label)="?(?:libvirt|virt|\/usr\/sbin\/(?:libvirtd|virtqemud))|avc: +denied.*(?:svirt|virtd|virtqemud)_/;

/** Denials of AppArmor and SELinux about guests and their daemon, in logs that can be read. One finding for each log. */
export async function checkDenials(files: HostFiles, logs: readonly string[] = DENIAL_LOGS): Promise<Found[]> {
  const all = await Promise.all(
    logs.map(async (path): Promise<Found[]> => {
      const log = await files.read(path).catch(() => undefined);
      const text = log && Buffer.from(log.subarray(Math.max(0, log.length - TAIL))).toString('utf8');
      const lines = text?.split('\n').filter((line) => DENIED.test(line)) ?? [];
      const last = lines.at(-1);
      if (last === undefined) return [];
      return [
        found(
          'security-denials',
          `${path} has ${lines.length}, the last: ${last.slice(0, QUOTED)}`,
          'Put the file where libvirt looks for images or label it; libvirt labels what the document names, so name it there',
        ),
      ];
    }),
  );
  return all.flat();
}
