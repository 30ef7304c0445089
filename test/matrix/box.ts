import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { type Device, DomainDocument, domainXml, withoutBookkeeping } from '../../src/domain/index.js';
import {
  type ApplyOptions,
  type ChangeRequest,
  type Connection,
  type DeviceRequest,
  type DeviceSelector,
  type DomainHandle,
  DomainManager,
  LibvirtCanonicalError,
  type ManagedDomain,
  type Plan,
} from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';
import { within } from '../support/deadline.js';
import type { Subject } from './batches.js';
import type { KindCase } from './case.js';
import { errorText } from './findings.js';

const RESET_EVERY = 80;
let boxes = 0;

export interface Documents {
  readonly canonical: DomainDocument;
  readonly live: DomainDocument | undefined;
}

/** One domain on which cases are tried. Its CPUs stand still: for libvirt it runs, and no guest costs time. */
export class Box {
  readonly connection: Connection;
  readonly domain: ManagedDomain;
  readonly #handle: DomainHandle;

  private constructor(connection: Connection, domain: ManagedDomain) {
    this.connection = connection;
    this.domain = domain;
    this.#handle = { name: domain.name, uuid: domain.uuid, id: -1 };
  }

  /** Defines and starts a domain with what the cases need, `devices` in it, and `ports` free PCIe ports. */
  static async open(
    host: PrivateHost,
    connection: Connection,
    needs: KindCase['domain'],
    ports: number,
    devices: readonly DeviceRequest[] = [],
  ): Promise<Box> {
    const name = `m${++boxes}`;
    const xml = domainXml(
      {
        name,
        type: 'qemu',
        memory: '64 MiB',
        hotplug: { pciePorts: ports },
        disks: [{ id: 'root', target: 'vda', file: await host.createDisk(`${name}.qcow2`), format: 'qcow2', boot: 1 }],
        devices: [...(needs?.devices ?? []), ...devices],
      },
      randomUUID(),
    );
    const domain = await within(new DomainManager(connection).define(needs?.xml?.(xml) ?? xml));
    const box = new Box(connection, domain);
    try {
      await within(domain.start({ paused: true }));
    } catch (error) {
      await domain.undefine();
      throw error;
    }
    return box;
  }

  async documents(): Promise<Documents> {
    const [canonical, live] = await within(Promise.all([this.domain.canonical(), this.domain.live()]));
    return {
      canonical: new DomainDocument(withoutOwn(canonical)),
      live: live === undefined ? undefined : new DomainDocument(withoutOwn(live)),
    };
  }

  /** The plan, or as a reason why there is none: what it refuses, or the error that it ends with. */
  async plan(
    request: ChangeRequest,
  ): Promise<{ readonly plan: Plan; readonly reason: undefined } | { readonly reason: string }> {
    try {
      const plan = await within(this.domain.plan(request));
      const [refusal] = plan.refusals;
      return refusal ? { reason: refusal.reason } : { plan, reason: undefined };
    } catch (error) {
      if (error instanceof LibvirtCanonicalError) return { reason: error.message };
      throw error;
    }
  }

  /** Applies a plan. QEMU lets go of a device when the machine is reset, so that no guest is needed for it. */
  async apply(plan: Plan, options: ApplyOptions = {}): Promise<void> {
    const unplug = { attempts: 1, timeout: 4_000 };
    const work = within(this.domain.apply(plan, { unplug, ...options }), 20_000, `${plan}`);
    if (!plan.operations.some(({ action, scope }) => action === 'detach' && scope === 'live')) return void (await work);
    let over = false;
    work
      .finally(() => {
        over = true;
      })
      .catch(() => {});
    while (!over) {
      await sleep(RESET_EVERY);
      if (!over) await this.connection.call('DOMAIN_RESET', { dom: this.#handle, flags: 0 });
    }
    await work;
  }

  /** Makes a call that the library would not make; libvirt's error, or undefined when it says success. */
  async bare(
    procedure: 'DOMAIN_ATTACH_DEVICE_FLAGS' | 'DOMAIN_DETACH_DEVICE_FLAGS' | 'DOMAIN_UPDATE_DEVICE_FLAGS',
    xml: string,
    flags: number,
  ): Promise<string | undefined> {
    try {
      await within(this.connection.call(procedure, { dom: this.#handle, xml, flags }), 20_000, procedure);
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }

  /** Pulls the plug and starts anew: what waited takes effect, what was only live is gone. */
  async coldBoot(): Promise<void> {
    await within(this.domain.destroy());
    await within(this.domain.start({ paused: true }));
  }

  async close(): Promise<void> {
    await within(this.domain.destroy());
    await within(this.domain.undefine());
  }
}

/** What the library notes down for itself is not what the matrix compares, and undoing by bare calls leaves another seal. */
function withoutOwn(xml: string): string {
  return withoutBookkeeping(xml)
    .replace(/\s*<lvc:intent\b[^>]*?(\/>|>[\s\S]*?<\/lvc:intent>)/, '')
    .replace(/\s*<metadata>\s*<\/metadata>/, '');
}

/** Fails with the first line in which two documents differ. */
export function sameText(now: string | undefined, before: string | undefined, what: string): void {
  if (now === before) return;
  const [a, b] = [now, before].map((text) => (text ?? '').split('\n')) as [string[], string[]];
  const at = a.findIndex((line, index) => line !== b[index]);
  assert.unreachable(`${what}: ${b[at]?.trim() ?? '(end)'} → ${a[at]?.trim() ?? '(end)'}`);
}

/** The device of a document that a case is about. */
export function deviceIn(document: DomainDocument | undefined, { device, name }: Subject): Device | undefined {
  return name === undefined ? undefined : document?.find(device.kind.element, name)[0];
}

/** Gives a subject without an alias the name under which it appeared between two documents. */
export function nameNew(subject: Subject, before: DomainDocument | undefined, after: DomainDocument | undefined): void {
  const { kind, userAlias } = subject.device;
  if (userAlias !== undefined) return;
  const known = new Set(before?.devices.map(({ identity }) => identity));
  const fresh = after?.devices.filter((device) => device.kind === kind && !known.has(device.identity)) ?? [];
  const alike = (device: Device) =>
    [...subject.device.leaves].filter(([path, value]) => device.leaves.get(path) === value).length;
  const [best] = fresh.sort((a, b) => alike(b) - alike(a));
  subject.name = (best ?? after?.counterpart(subject.device))?.name;
}

/** How a request names the device. */
export function selectorOf({ device, name }: Subject): DeviceSelector {
  assert.ok(name, 'it has been there');
  return (device.userAlias === name ? { alias: name } : { [device.kind.element]: name }) as DeviceSelector;
}
