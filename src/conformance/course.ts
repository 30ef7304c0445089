import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import type { Guest } from '../testing/index.js';
import { type DriverCommand, DriverProcess } from './driver-process.js';
import { type Finding, Ledger, type Sighting } from './ledger.js';
import type { Capability, Claim, Hello, KitDevice, KitDisk, KitDomain, KitInterface, Operations } from './protocol.js';
import type { Step } from './report.js';
import { type Dom, isOwn, type Patience, type Site } from './site.js';
import { linkOf } from './views.js';

/** Milliseconds that a driver has for one request: a migration or a cold reboot under emulation is slow. */
const ANSWER_WITHIN = 180_000;
const BOOT_WITHIN = 90_000;

export type RebootMode = Operations['reboot']['mode'];

/** Where, with what, and with whom a course is run. */
export interface CourseSetting {
  readonly sites: readonly [Site, ...Site[]];
  readonly command: DriverCommand;
  /** A folder of the driver's own. */
  readonly state: string;
  readonly patience: Patience;
  /** Name of the domain, and part of file names. */
  readonly name: string;
  readonly ports: number;
  readonly signal: AbortSignal | undefined;
  readonly onStep: (step: Step) => void;
}

/** The course cannot go on. */
export class CutShort extends Error {
  override readonly name = 'CutShort';
}

/** What a step is held to beside the ledger. */
interface StepOptions {
  readonly subject?: string;
  /** What the claim `done` means for what should be there. */
  readonly meaning?: () => void;
  /** What boots anew when it is done: the system of the guest, or QEMU too. */
  readonly boots?: 'guest' | 'process';
  /** What else has to be so when it is done. */
  readonly check?: () => Promise<Finding[]>;
}

/** One domain that lives through events, each followed by all witnesses. */
export class Course {
  readonly steps: Step[] = [];
  readonly name: string;
  readonly #setting: CourseSetting;
  readonly #ledger = new Ledger();
  readonly #expected = new Map<string, { in: 'both' | 'document' | 'live' }>();
  /** Devices that were attached, in order; those it was defined with come first. */
  readonly #held: KitDevice[] = [];
  readonly #guests: readonly Guest[];
  #driver: DriverProcess;
  #at = 0;
  #seen: Sighting | undefined;
  #made = 0;
  #edits = 0;
  readonly hello: Hello;

  private constructor(setting: CourseSetting, driver: DriverProcess, hello: Hello, guests: readonly Guest[]) {
    this.#setting = setting;
    this.#driver = driver;
    this.hello = hello;
    this.name = setting.name;
    this.#guests = guests;
    setting.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** What the driver is at is ended with it. */
  readonly #abort = () => void this.#driver.kill();

  /** Starts the driver, has it define a domain with so many disks and NICs, and starts that. */
  static async begin(setting: CourseSetting, disks: number, interfaces: number): Promise<Course> {
    const { driver, hello } = await DriverProcess.start(setting.command, setting.state, timesOf(setting, 30_000));
    const guests = await Promise.all(setting.sites.map(({ host }) => host.guest({ name: setting.name })));
    const course = new Course(setting, driver, hello, guests);
    try {
      await course.#define(disks, interfaces);
      await course.#step('start', () => course.#ask('start', course.#where), {
        boots: 'process',
        meaning: () => course.#powerCycled(),
      });
      return course;
    } catch (error) {
      await course.end();
      throw error;
    }
  }

  offers(capability: Capability): boolean {
    return this.hello.capabilities.includes(capability);
  }

  /** The first, or the n-th, device of a kind that it has; from the end when n is less than 0. */
  pick(kind: 'disk' | 'interface', at = 0): KitDevice | undefined {
    return this.#held.filter((device) => kind in device).at(at);
  }

  async attach(kind: 'disk' | 'interface', when: 'both' | 'next-boot' = 'both'): Promise<Claim> {
    const device = kind === 'disk' ? { disk: await this.#newDisk() } : { interface: this.#newInterface() };
    return this.attachThis(device, when);
  }

  async attachThis(device: KitDevice, when: 'both' | 'next-boot' = 'both'): Promise<Claim> {
    const event = `attach ${'disk' in device ? 'disk' : 'interface'}${when === 'both' ? '' : ' for the next boot'}`;
    return this.#step(event, () => this.#ask('attach', { ...this.#where, device, when }), {
      subject: nameOf(device),
      meaning: () => this.#hold(device, when === 'both' ? 'both' : 'document'),
    });
  }

  async detach(device: KitDevice | undefined): Promise<Claim | undefined> {
    if (!device) return undefined;
    const event = `detach ${'disk' in device ? 'disk' : 'interface'}`;
    return this.#step(event, () => this.#ask('detach', { ...this.#where, device }), {
      subject: nameOf(device),
      meaning: () => this.#letGo(device),
    });
  }

  async update(link: 'up' | 'down'): Promise<Claim | undefined> {
    const device = this.pick('interface');
    if (!device || !('interface' in device)) return undefined;
    return this.#step('update', () => this.#ask('update', { ...this.#where, device, set: { link } }), {
      subject: `${nameOf(device)} link ${link}`,
      check: () => this.#linkIs(device.interface.mac, link),
    });
  }

  async reboot(mode: RebootMode): Promise<Claim> {
    return this.#step(`reboot ${mode}`, () => this.#ask('reboot', { ...this.#where, mode }), {
      boots: mode === 'guest' ? 'guest' : 'process',
      meaning: () => mode !== 'guest' && this.#powerCycled(),
    });
  }

  /** The manager's process ends, in good order or not, and another one goes on. */
  async restartManager(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    await this.#kit('restart manager', how, async () => {
      await this.#driver[how]();
      await this.#startDriver();
    });
  }

  async restartDaemon(): Promise<void> {
    await this.#kit('restart daemon', undefined, () => this.#site.host.restartDaemon());
  }

  /** Somebody else writes a text into the document. It is to stay. */
  async editByHand(): Promise<void> {
    const text = `edit ${++this.#edits} by hand`;
    await this.#kit('foreign edit', text, async () => {
      await this.#site.describe(await this.#dom(), text);
      this.#ledger.edited(text);
    });
  }

  /** Somebody else attaches a NIC. It is to stay. */
  async attachByHand(where: 'document' | 'live'): Promise<void> {
    const { mac } = this.#newInterface();
    const xml = `<interface type='user'><mac address='${mac}'/><model type='virtio'/><rom enabled='no'/></interface>`;
    await this.#kit('foreign attach', `interface ${mac}`, async () => {
      await this.#site.attach(await this.#dom(), xml, where);
      this.#expected.set(`interface ${mac}`, { in: where });
    });
  }

  async migrate(): Promise<Claim> {
    const there = this.#setting.sites[1 - this.#at];
    if (!there) throw new CutShort('there is no other host');
    const from = this.#site.host.directory;
    const request = {
      ...this.#where,
      to: there.host.uri,
      uri: await freeUri(),
      paths: { [`${from}/guests`]: `${there.host.directory}/guests` },
    };
    return this.#step('migrate', () => this.#ask('migrate', request), {
      meaning: () => {
        this.#at = 1 - this.#at;
      },
      check: () => this.#hasLeft(this.#setting.sites[1 - this.#at] as Site),
    });
  }

  /**
   * The manager is killed so many milliseconds after it was asked for an attach or a detach; another one gets the same request
   * again. In the end it has to be done, or refused with nothing done.
   */
  async killDuring(operation: 'attach' | 'detach', kind: 'disk' | 'interface', after: number): Promise<void> {
    const device =
      operation === 'detach'
        ? this.pick(kind, -1)
        : kind === 'disk'
          ? { disk: await this.#newDisk() }
          : { interface: this.#newInterface() };
    if (!device) return;
    const again = async (): Promise<Claim> => {
      const fields = { ...this.#where, device, when: 'both' as const };
      this.#driver.send(operation, fields);
      await new Promise((resolve) => setTimeout(resolve, after));
      await this.#driver.kill();
      await this.#startDriver();
      const claim = await this.#ask(operation, fields);
      // A manager that finds its own work done may say so by a refusal; the witnesses tell.
      return claim.claim === 'done' || !(await this.#isSo(operation, device)) ? claim : { claim: 'done' };
    };
    await this.#step(`${operation} killed`, again, {
      subject: `${nameOf(device)} after ${after} ms`,
      meaning: () => (operation === 'attach' ? this.#hold(device, 'both') : this.#letGo(device)),
    });
  }

  async end(): Promise<void> {
    this.#setting.signal?.removeEventListener('abort', this.#abort);
    await this.#driver.stop();
    for (const guest of this.#guests) guest.close();
  }

  async #define(disks: number, interfaces: number): Promise<void> {
    const guest = this.#guest;
    for (let n = 0; n < disks; n++) this.#hold({ disk: await this.#newDisk(n === 0 ? 1 : undefined) }, 'document');
    for (let n = 0; n < interfaces; n++) this.#hold({ interface: this.#newInterface() }, 'document');
    const domain: KitDomain = {
      name: this.name,
      uuid: randomUUID(),
      memoryMiB: 96,
      vcpus: 1,
      machine: 'q35',
      ports: this.#setting.ports,
      kernel: { path: guest.kernel, initrd: guest.initrd, cmdline: guest.cmdline },
      serials: guest.serialDevices,
      disks: this.#held.flatMap((device) => ('disk' in device ? [device.disk] : [])),
      interfaces: this.#held.flatMap((device) => ('interface' in device ? [device.interface] : [])),
    };
    const xml = guest.domainXml({
      uuid: domain.uuid,
      memoryMiB: domain.memoryMiB,
      rootPorts: domain.ports,
      disks: domain.disks,
      interfaces: domain.interfaces,
    });
    const claim = await this.#step('define', () => this.#ask('define', { ...this.#where, domain, xml }), {});
    if (claim.claim !== 'done') throw new CutShort(`the driver ${claim.claim} the definition: ${claim.why}`);
  }

  get #site(): Site {
    return this.#setting.sites[this.#at] as Site;
  }
  get #guest(): Guest {
    return this.#guests[this.#at] as Guest;
  }
  get #where() {
    return { host: this.#site.host.uri, name: this.name };
  }

  async #dom(): Promise<Dom> {
    const dom = await this.#site.find(this.name);
    if (!dom) throw new CutShort('the domain is gone');
    return dom;
  }

  #ask<Do extends keyof Operations>(operation: Do, fields: Operations[Do]): Promise<Claim> {
    return this.#driver.ask(operation, fields, timesOf(this.#setting, ANSWER_WITHIN));
  }

  async #startDriver(): Promise<void> {
    const { command, state } = this.#setting;
    this.#driver = (await DriverProcess.start(command, state, timesOf(this.#setting, 30_000))).driver;
  }

  async #kit(event: string, subject: string | undefined, act: () => Promise<void>): Promise<void> {
    const work = async (): Promise<'kit'> => {
      await act();
      return 'kit';
    };
    await this.#step(event, work, subject === undefined ? {} : { subject });
  }

  /** One event, and what all witnesses say after it. */
  async #step<C extends Claim | 'kit'>(event: string, act: () => Promise<C>, options: StepOptions): Promise<C | Claim> {
    this.#goOn();
    const started = performance.now();
    const findings: Finding[] = [];
    const claim = await this.#attempt(act, findings);
    const said: Claim | undefined = claim === 'kit' ? undefined : claim;
    const done = said?.claim === 'done' ? said : undefined;
    if (done) findings.push(...(await this.#carriedOut(options)));
    findings.push(...(await this.#look(done, options)));
    this.#goOn();
    const step: Step = {
      event,
      ...(options.subject === undefined ? {} : { subject: options.subject }),
      ...saidOf(claim, findings),
      seconds: Math.round((performance.now() - started) / 100) / 10,
      findings,
    };
    this.steps.push(step);
    this.#setting.onStep(step);
    if (findings.some(({ kind }) => kind === 'down')) await this.#lift();
    return claim;
  }

  /** What comes of it. A driver that ends, is silent or speaks otherwise is a finding, and is started anew. */
  async #attempt<C extends Claim | 'kit'>(act: () => Promise<C>, findings: Finding[]): Promise<C | Claim> {
    try {
      return await act();
    } catch (error) {
      this.#goOn();
      if (!isDriversFault(error)) throw error;
      findings.push({ kind: 'died', what: error.message });
      await this.#driver.kill();
      await this.#startDriver();
      return { claim: 'failed', why: error.message };
    }
  }

  /** What follows from a claim that it is done. */
  async #carriedOut({ meaning, boots, check }: StepOptions): Promise<Finding[]> {
    meaning?.();
    const booted = boots ? await this.#booted(boots) : [];
    return [...booted, ...((await check?.()) ?? [])];
  }

  /** Waits until the guest has booted since it was last seen. */
  async #newBoot(): Promise<void> {
    const { signal } = this.#setting;
    const after = this.#seen?.boot;
    await this.#guest.waitForReport({
      timeout: timesOf(this.#setting, BOOT_WITHIN),
      ...(after === undefined ? {} : { after }),
      ...(signal ? { signal } : {}),
    });
  }

  #goOn(): void {
    const { signal } = this.#setting;
    if (signal?.aborted) throw new AbortedError('The conformance kit', signal.reason);
  }

  /** Waits for the boot that a driver said it has done. */
  async #booted(boots: 'guest' | 'process'): Promise<Finding[]> {
    const before = this.#seen;
    const id = (await this.#site.find(this.name))?.id;
    const same = before?.process === `${this.#site.host.hostUuid} ${id}`;
    // Nothing has to be waited for where QEMU is still the same.
    if (same && boots === 'process') return [{ kind: 'untrue', what: 'it said done, and QEMU was not started anew' }];
    try {
      await this.#newBoot();
    } catch {
      return [{ kind: 'untrue', what: 'it said done, and the guest has not booted anew' }];
    }
    if (same || before?.process === undefined || boots === 'process') return [];
    return [{ kind: 'untrue', what: 'QEMU was started anew, and not only the system in the guest booted' }];
  }

  /** Asks all witnesses and holds them to the ledger and to what the driver said. */
  async #look(done: { readonly place?: string } | undefined, { subject, boots }: StepOptions): Promise<Finding[]> {
    const before = this.#seen;
    const now = await this.#site.look(this.name, this.#guest, this.#setting.patience);
    if (!now) return [{ kind: 'down', what: 'the domain is gone' }];
    this.#seen = now;
    const findings = this.#ledger.compare(now, this.#expected);
    findings.push(...runOf(before, now, done !== undefined && boots !== undefined));
    if (done) findings.push(...untrueOf(findings, now, done.place, subject));
    this.#take(now);
    return findings;
  }

  /** What is there is what is expected from now on: each difference is told once. */
  #take({ document, live }: Sighting): void {
    const devices = new Set([...(document?.keys() ?? []), ...(live?.keys() ?? [])].filter(isOwn));
    for (const device of [...this.#expected.keys()])
      if (!devices.has(device)) {
        this.#expected.delete(device);
        this.#ledger.forget(device);
        const at = this.#held.findIndex((each) => nameOf(each) === device);
        if (at >= 0) this.#held.splice(at, 1);
      }
    for (const device of devices) {
      const [inDocument, inLive] = [document?.has(device), live?.has(device)];
      this.#expected.set(device, { in: inDocument && inLive ? 'both' : inDocument ? 'document' : 'live' });
    }
  }

  /** Starts a domain that a driver has let fall, so that the course can go on. */
  async #lift(): Promise<void> {
    const dom = await this.#dom();
    if (dom.id >= 0) throw new CutShort('the guest does not answer');
    this.#powerCycled();
    await this.#site.start(dom);
    await this.#newBoot().catch(() => {
      this.#goOn();
      throw new CutShort('the guest does not boot');
    });
    const now = await this.#site.look(this.name, this.#guest, this.#setting.patience);
    if (!now) throw new CutShort('the domain is gone');
    this.#ledger.compare(now, this.#expected);
    this.#seen = now;
    this.#take(now);
  }

  async #linkIs(mac: string, link: 'up' | 'down'): Promise<Finding[]> {
    const dom = await this.#dom();
    const device = `interface ${mac}`;
    const documents = [
      ['document', await this.#site.canonical(dom)],
      ['live', await this.#site.live(dom)],
    ] as const;
    return documents.flatMap(([witness, xml]): Finding[] =>
      xml === undefined || linkOf(xml, mac) === link
        ? []
        : [{ kind: 'untrue', device, witness, what: `it said done, and the link of ${device} is not ${link}` }],
    );
  }

  async #hasLeft(site: Site): Promise<Finding[]> {
    const left = (await site.find(this.name)) !== undefined;
    return left ? [{ kind: 'untrue', what: 'it said done, and the domain is still at the host that it left' }] : [];
  }

  async #isSo(operation: 'attach' | 'detach', device: KitDevice): Promise<boolean> {
    const now = await this.#site.look(this.name, this.#guest, { times: 0 });
    const there = [now?.document, now?.live].map((view) => view?.has(nameOf(device)) === true);
    return there.every((each) => each === (operation === 'attach'));
  }

  #hold(device: KitDevice, where: 'both' | 'document'): void {
    this.#held.push(device);
    this.#expected.set(nameOf(device), { in: where });
  }

  #letGo(device: KitDevice): void {
    const at = this.#held.findIndex((each) => nameOf(each) === nameOf(device));
    if (at >= 0) this.#held.splice(at, 1);
    this.#expected.delete(nameOf(device));
    this.#ledger.forget(nameOf(device));
  }

  /** What becomes of devices when QEMU ends and the next one starts from the canonical document. */
  #powerCycled(): void {
    for (const [device, where] of [...this.#expected]) {
      if (where.in === 'live') {
        this.#expected.delete(device);
        this.#ledger.forget(device);
      } else this.#expected.set(device, { in: 'both' });
    }
  }

  async #newDisk(boot?: number): Promise<KitDisk> {
    const n = ++this.#made;
    const id = `d${n}`;
    const seen = [this.#seen?.document, this.#seen?.live].flatMap((view) => [...(view?.values() ?? [])]);
    const held = this.#held.flatMap((device) => ('disk' in device ? [device.disk.target] : []));
    const taken = new Set([...held, ...seen.map(({ target }) => target)]);
    const letter = [...'abcdefghijklmnopqrstuvwxyz'].find((each) => !taken.has(`vd${each}`)) ?? 'z';
    const host = this.#setting.sites[0].host;
    const file = await host.createDisk(`${this.name}-${id}.qcow2`, { size: '4 MiB' });
    const disk: KitDisk = { id, target: `vd${letter}`, file, format: 'qcow2', serial: `S-${id}` };
    return boot === undefined ? disk : { ...disk, boot };
  }

  #newInterface(): KitInterface {
    const n = ++this.#made;
    return { id: `n${n}`, mac: `52:54:00:0c:${hex(n >> 8)}:${hex(n & 255)}` };
  }
}

/** What a device is called by the witnesses. */
export function nameOf(device: KitDevice): string {
  return 'disk' in device ? `disk ${device.disk.serial}` : `interface ${device.interface.mac}`;
}

const hex = (value: number) => value.toString(16).padStart(2, '0');
const timesOf = ({ patience }: CourseSetting, milliseconds: number) => milliseconds * patience.times;

function isDriversFault(error: unknown): error is LibvirtCanonicalError {
  return error instanceof LibvirtCanonicalError && ['PROTOCOL_VIOLATION', 'TIMEOUT'].includes(error.code);
}

/** What the report has of a claim. */
function saidOf(claim: Claim | 'kit', findings: readonly Finding[]): Pick<Step, 'claim' | 'why'> {
  if (claim === 'kit') return { claim };
  if (claim.claim === 'done') return { claim: 'done' };
  return { claim: findings.some(({ kind }) => kind === 'died') ? 'died' : claim.claim, why: claim.why };
}

/** Whether the guest still runs, and was not booted without being asked for it. */
function runOf(before: Sighting | undefined, now: Sighting, bootIsMeant: boolean): Finding[] {
  if (now.process === undefined)
    return before?.process === undefined ? [] : [{ kind: 'down', what: 'the domain does not run any more' }];
  if (now.guest === undefined) return [{ kind: 'down', what: 'the guest does not answer' }];
  if (before?.boot === undefined || now.boot === before.boot || bootIsMeant) return [];
  return [{ kind: 'rebooted', what: 'the guest was rebooted, and nobody had asked for it' }];
}

/** What the driver said and is not so: its own subject is missing or still there, or is elsewhere. */
function untrueOf(findings: readonly Finding[], now: Sighting, place: string | undefined, subject = ''): Finding[] {
  const device = subject.split(' ').slice(0, 2).join(' ');
  const about = findings.filter((each) => each.device === device && (each.kind === 'lost' || each.kind === 'unasked'));
  const untrue = about.map(({ what }): Finding => ({ kind: 'untrue', device, what: `it said done, and ${what}` }));
  const real = now.document?.get(device)?.pci ?? now.live?.get(device)?.pci;
  if (place !== undefined && real !== undefined && place !== real)
    untrue.push({
      kind: 'untrue',
      device,
      before: place,
      after: real,
      what: `it said that ${device} is at ${place}, and it is at ${real}`,
    });
  return untrue;
}

/** libvirt's own range of ports is one for each daemon, and two daemons of one machine would collide in it. */
async function freeUri(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `tcp://127.0.0.1:${port}`;
}
