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
  file(xml: string): string {
    const path = join(this.folder, 'document.xml');
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

  /** Stops it if it runs, and takes its definition away. */
  async undefine(where: Where): Promise<void> {
    if ((await this.call(where, 'domstate', where.name)).trim() !== 'shut off') await this.stop(where, 'hard');
    await this.call(where, 'undefine', where.name);
  }
}
