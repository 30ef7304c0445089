import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operations, Where } from '../protocol.js';
import { printed } from './printed.js';
import { untilOff } from './until-off.js';

/** virsh for one driver, with a place for the files that it wants. */
export class Virsh {
  folder = '';

  readonly call = ({ host }: Where, ...args: readonly string[]): Promise<string> =>
    printed('virsh', '-q', '-c', host, ...args);

  /** A document as a file. */
  file(xml: string, name = 'document.xml'): string {
    const path = join(this.folder, name);
    writeFileSync(path, xml);
    return path;
  }

  async version(): Promise<string> {
    return (await printed('virsh', '--version')).trim();
  }

  async define(where: Where, xml: string): Promise<void> {
    await this.call(where, 'define', this.file(xml));
  }

  async start(where: Where): Promise<undefined> {
    await this.call(where, 'start', where.name);
  }

  /** Until it is off: by asking the guest, or by pulling the plug. */
  async stop(where: Where, mode: 'cold' | 'hard'): Promise<void> {
    await this.call(where, mode === 'cold' ? 'shutdown' : 'destroy', where.name);
    await untilOff(where);
  }

  async reboot({ mode, ...where }: Operations['reboot']): Promise<undefined> {
    if (mode === 'guest') await this.call(where, 'reboot', where.name);
    else {
      await this.stop(where, mode);
      await this.start(where);
    }
  }

  /** Live, with both documents as they are to be there. The caller knows that the disks are within reach of both hosts: unsafe. */
  async migrate({ to, uri, paths, ...where }: Operations['migrate']): Promise<undefined> {
    const documents = [
      ['--xml', ['--migratable']],
      ['--persistent-xml', ['--inactive']],
    ] as const;
    const given: string[] = [];
    for (const [option, how] of documents) {
      let xml = await this.call(where, 'dumpxml', where.name, '--security-info', ...how);
      for (const [from, there] of Object.entries(paths)) xml = xml.replaceAll(from, there);
      given.push(option, this.file(xml, `${option}.xml`));
    }
    const flags = ['--live', '--persistent', '--undefinesource', '--unsafe'];
    await this.call(where, 'migrate', where.name, to, ...flags, '--migrateuri', uri, ...given);
  }

  /** Stops it if it runs, and takes its definition away. */
  async undefine(where: Where): Promise<void> {
    if ((await this.call(where, 'domstate', where.name)).trim() !== 'shut off') await this.stop(where, 'hard');
    await this.call(where, 'undefine', where.name);
  }
}
