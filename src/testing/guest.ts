import { constants, copyFileSync, existsSync, linkSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DomainSpec } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type Account, handOver } from './account.js';
import { AGENT_CHANNEL } from './guest-agent.js';
import { guestImage } from './guest-image.js';
import { type Answer, GuestPort, type WaitOptions } from './guest-port.js';
import { type GuestReport, parseReport } from './guest-report.js';
import { bootXml, escapeXml, type GuestDomainOptions, guestDomainXml } from './guest-xml.js';

const BOOT_WITHIN = 90_000;
const ANSWER_WITHIN = 30_000;

/** Self-tests and tables nobody looks at are a fifth of the boot under emulation; names a kernel lacks are ignored. */
const SKIPPED = [
  'init_kprobe_trace',
  'load_system_certificate_list',
  'crypto_kdf108_init',
  'slab_sysfs_init',
  'init_ima',
];
const CMDLINE = [
  'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on no_timer_check tsc=reliable cryptomgr.notests',
  `initcall_blacklist=${SKIPPED.join(',')}`,
].join(' ');

export interface GuestOptions {
  /** The domain's name, and part of file names: letters, digits, `.`, `_` and `-`, at most 20. */
  readonly name: string;
  /** Added to the kernel's command line. */
  readonly cmdline?: string;
  /** Run QEMU's guest agent in it, with the channel that libvirt talks to it by. Default false. */
  readonly agent?: boolean;
}

/**
 * A small Linux for one domain of a {@link PrivateHost} that reports what it sees of its machine, obeys the power button,
 * runs commands, and lets go of devices that are unplugged. Boot it with {@link domainXml}, or put {@link bootXml} and
 * {@link serialDevices} into a domain of your own.
 *
 * @example
 * const guest = await host.guest({ name: 'g1' });
 * // define guest.domainXml({ … }) and start it
 * const { pci, disks, interfaces } = await guest.waitForReport();
 */
export class Guest {
  readonly name: string;
  /** The kernel's release, such as `6.12.117+deb13-cloud-amd64`. */
  readonly kernelVersion: string;
  /** Path of the kernel. */
  readonly kernel: string;
  /** Path of the same kernel in the form that UEFI starts; the other boots faster. */
  readonly efiKernel: string;
  /** Path of the initramfs. */
  readonly initrd: string;
  /** The kernel's command line. */
  readonly cmdline: string;
  /**
   * Elements for `<devices>`, in this order: `<serial>` for the console, into a log file, and for the report port; with
   * the agent its `<channel>`.
   */
  readonly serialDevices: readonly string[];
  readonly #console: string;
  readonly #port: GuestPort;

  private constructor(
    name: string,
    parts: {
      kernelVersion: string;
      kernel: string;
      efiKernel: string;
      initrd: string;
      cmdline: string;
      console: string;
      socket: string;
      agent: boolean;
    },
  ) {
    this.name = name;
    this.kernelVersion = parts.kernelVersion;
    this.kernel = parts.kernel;
    this.efiKernel = parts.efiKernel;
    this.initrd = parts.initrd;
    this.cmdline = parts.cmdline;
    this.serialDevices = [
      `<serial type='file'><source path='${escapeXml(parts.console)}' append='on'/><target type='isa-serial' port='0'/></serial>`,
      `<serial type='unix'><source mode='bind' path='${escapeXml(parts.socket)}'/><target type='isa-serial' port='1'/></serial>`,
      ...(parts.agent ? [AGENT_CHANNEL] : []),
    ];
    this.#console = parts.console;
    this.#port = new GuestPort(parts.socket);
  }

  /** @internal Called by {@link PrivateHost.guest}. */
  static async prepare(hostDirectory: string, account: Account, options: GuestOptions): Promise<Guest> {
    if (!/^[\w.-]{1,20}$/.test(options.name)) {
      throw new LibvirtCanonicalError('SPEC_INVALID', `"${options.name}" cannot be the name of a test guest`, {
        path: 'name',
        remedy: "Use at most 20 letters, digits, '.', '_' or '-'",
      });
    }
    const { agent = false } = options;
    const image = await guestImage(agent);
    const directory = join(hostDirectory, 'guests');
    if (!existsSync(directory)) {
      mkdirSync(directory);
      handOver(directory, account);
    }
    const place = (name: string) => join(directory, name);
    const initrd = place(agent ? 'initramfs-agent' : 'initramfs');
    // The cache is often in a home directory that only its owner may enter.
    provide(image.kernel, place('vmlinux'));
    provide(image.efiKernel, place('vmlinuz'));
    provide(image.initrd, initrd);
    return new Guest(options.name, {
      kernelVersion: image.version,
      kernel: place('vmlinux'),
      efiKernel: place('vmlinuz'),
      initrd,
      cmdline: options.cmdline ? `${CMDLINE} ${options.cmdline}` : CMDLINE,
      console: place(`${options.name}.console`),
      socket: place(`${options.name}.port`),
      agent,
    });
  }

  /** `<kernel>`, `<initrd>` and `<cmdline>`, for `<os>` of a domain of your own. */
  get bootXml(): string {
    return bootXml(this);
  }

  /**
   * What makes a spec boot this guest: its virtualisation, kernel and devices, with `efi` by the kernel that UEFI starts. Add
   * your own devices to the list of these.
   *
   * @example
   * const domain = await manager.define({ name: 'g1', memory: '128 MiB', ...guest.spec() });
   */
  spec(options: { readonly efi?: boolean } = {}): Required<Pick<DomainSpec, 'type' | 'kernel' | 'devices'>> {
    const { initrd, cmdline, serialDevices: devices } = this;
    return { type: 'qemu', kernel: { path: options.efi ? this.efiKernel : this.kernel, initrd, cmdline }, devices };
  }

  /** A complete small domain that boots this guest. */
  domainXml(options: GuestDomainOptions = {}): string {
    return guestDomainXml(this, options);
  }

  /**
   * Waits until the guest runs and returns its report; with `after`, until it has booted anew since the boot with that
   * `bootId`. Default timeout 90 s.
   *
   * @throws LibvirtCanonicalError `TIMEOUT`
   * @throws AbortedError `ABORTED`
   */
  async waitForReport(options: WaitOptions & { readonly after?: string } = {}): Promise<GuestReport> {
    const { after, ...wait } = options;
    const isNew = (text: string) => parseReport(text).bootId !== after;
    return parseReport(await this.#port.report(isNew, { timeout: BOOT_WITHIN, ...wait }));
  }

  /** What the guest sees now. Default timeout 30 s. @throws LibvirtCanonicalError `TIMEOUT` */
  async report(options: WaitOptions = {}): Promise<GuestReport> {
    return parseReport(await this.#port.report(() => true, { timeout: ANSWER_WITHIN, ...options }));
  }

  /**
   * Runs a shell command of one line in the guest, which must be up, and returns what it printed. Default timeout 30 s.
   *
   * @throws LibvirtCanonicalError `TIMEOUT`
   */
  async exec(
    command: string,
    options: WaitOptions = {},
  ): Promise<{ readonly output: string; readonly status: number }> {
    if (command.includes('\n'))
      throw new LibvirtCanonicalError('SPEC_INVALID', 'A guest command is one line', { path: 'command' });
    const { text, status } = await this.#command(`exec ${command}`, options);
    return { output: text, status };
  }

  /** Makes the guest power itself off, as a user in it would. */
  async poweroff(options: WaitOptions = {}): Promise<void> {
    await this.#command('poweroff', options);
  }

  /** Makes the guest reboot itself, as a user in it would. */
  async reboot(options: WaitOptions = {}): Promise<void> {
    await this.#command('reboot', options);
  }

  /** All the kernel has printed, over all boots. */
  consoleLog(): string {
    return existsSync(this.#console) ? readFileSync(this.#console, 'utf8') : '';
  }

  /** Lets go of the report port. */
  close(): void {
    this.#port.close();
  }

  #command(line: string, options: WaitOptions): Promise<Answer> {
    return this.#port.command(line, { timeout: ANSWER_WITHIN, ...options });
  }
}

function provide(source: string, target: string): void {
  if (existsSync(target)) return;
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
  }
}
