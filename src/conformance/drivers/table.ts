import { fileURLToPath } from 'node:url';
import { LibvirtCanonicalError } from '../../errors.js';
import { meant } from '../../nearest.js';
import type { DriverCommand } from '../driver-process.js';

/** The drivers that come with the kit, and what each stands for. */
export const DRIVERS = {
  library: 'this library',
  virsh: 'plain virsh: attach-device --live --config and the like',
  'virt-xml': 'virt-xml --add-device --update and the like',
  nova: 'a manager that generates the document anew from its own record, as OpenStack Nova does',
  terraform: 'a tool to which every change is undefine and define, as to the libvirt provider of Terraform',
} as const;

/**
 * A driver by its name, or by the command that starts it, words apart by blanks: `python3 ./driver.py`.
 *
 * @throws LibvirtCanonicalError `ARGUMENT_INVALID`: it is one word, no path, and no driver that comes with the kit
 */
export function driverCommand(words: string): DriverCommand {
  const [program = '', ...args] = words.trim().split(/\s+/);
  if (args.length === 0 && Object.hasOwn(DRIVERS, program)) {
    const file = fileURLToPath(new URL(`./${program}.js`, import.meta.url));
    return { command: [process.execPath, file] };
  }
  if (args.length === 0 && !program.includes('/')) {
    const names = Object.keys(DRIVERS);
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', `There is no driver "${words}"`, {
      path: 'drivers',
      remedy: `${meant(program, names)}There are ${names.join(', ')}; the command of another one is written with its path`,
    });
  }
  return { command: [program, ...args] };
}
