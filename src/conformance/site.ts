import { type Connection, connect, LibvirtError, VIR_ERR } from '../connection/index.js';
import { type Guest, type GuestReport, PrivateHost } from '../testing/index.js';
import type { Sighting } from './ledger.js';
import { machineOf } from './parts.js';
import { descriptionOf, documentView, guestView, type QemuPciDevice, qemuView, type View } from './views.js';

/** How long QEMU may take until its firmware has numbered the buses, and how often it is asked. */
const QEMU_WITHIN = 20_000;
/** How long the guest may take to see what was plugged in, or to let go of it. */
const GUEST_WITHIN = 20_000;
const ASK_EVERY = 50;
/** virDomainEventType */
const DEFINED = 0;
/** Managed save, snapshots' metadata, NVRAM and checkpoints' metadata go with it. */
const UNDEFINE_ALL = 1 | 2 | 4 | 16;
const DOMAIN_XML = { secure: 1, inactive: 2 } as const;

/** Who waits for what the witnesses tell may be in a hurry or on a slow machine: times are multiplied by it. */
export interface Patience {
  readonly times: number;
}

/** A private host with the kit's own eyes and hands on it. The driver's connection is its own. */
export class Site implements AsyncDisposable {
  readonly host: PrivateHost;
  readonly #connection: Connection;

  private constructor(host: PrivateHost, connection: Connection) {
    this.host = host;
    this.#connection = connection;
  }

  static async open(options: {
    readonly signal?: AbortSignal;
    readonly directory?: string;
    readonly root?: string;
  }): Promise<Site> {
    const host = await PrivateHost.start(options);
    try {
      return new Site(host, await connect(host.uri, { redefine: 'allow' }));
    } catch (error) {
      await host.stop();
      throw error;
    }
  }

  /** libvirt's and QEMU's versions: `9.0.0`. */
  async versions(): Promise<{ readonly libvirt: string; readonly qemu: string }> {
    const { hv_ver } = await this.#connection.call('CONNECT_GET_VERSION', {});
    const version = Number(hv_ver);
    const qemu = [version / 1_000_000, (version / 1_000) % 1_000, version % 1_000].map(Math.floor).join('.');
    return { libvirt: this.host.libvirtVersion, qemu };
  }

  /** The domain as libvirt knows it now; undefined when there is none. */
  async find(name: string): Promise<Dom | undefined> {
    try {
      return (await this.#connection.call('DOMAIN_LOOKUP_BY_NAME', { name })).dom;
    } catch (error) {
      if (error instanceof LibvirtError && error.errorCode === VIR_ERR.VIR_ERR_NO_DOMAIN) return undefined;
      throw error;
    }
  }

  /** The canonical document. */
  async canonical(dom: Dom): Promise<string> {
    const flags = DOMAIN_XML.secure | DOMAIN_XML.inactive;
    return (await this.#connection.call('DOMAIN_GET_XML_DESC', { dom, flags })).xml;
  }

  /** The live document; undefined while it does not run. */
  async live(dom: Dom): Promise<string | undefined> {
    if (dom.id < 0) return undefined;
    return (await this.#connection.call('DOMAIN_GET_XML_DESC', { dom, flags: DOMAIN_XML.secure })).xml;
  }

  /** How often libvirt has told since then that the domain with this name was defined. */
  async defines(name: string): Promise<{ count(): number; close(): Promise<void> }> {
    const events = await this.#connection.subscribe('LIFECYCLE');
    let count = 0;
    const counting = (async () => {
      for await (const item of events)
        if (item.type === 'event' && item.data.event === DEFINED && item.data.dom.name === name) count++;
    })().catch(() => undefined);
    return {
      count: () => count,
      close: async () => {
        await events.close();
        await counting;
      },
    };
  }

  /** Takes the domain away, whatever state it is in. */
  async remove(name: string): Promise<void> {
    const dom = await this.find(name);
    if (!dom) return;
    if (dom.id >= 0) await this.#connection.call('DOMAIN_DESTROY', { dom });
    // One that was transient is gone with that.
    if (await this.find(name)) await this.#connection.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: UNDEFINE_ALL });
  }

  /** Starts the domain with the kit's own hands, when a driver has let it fall. */
  async start(dom: Dom): Promise<void> {
    await this.#connection.call('DOMAIN_CREATE', { dom });
  }

  /** An admin at the keyboard: writes a text into `<description>`. */
  async describe(dom: Dom, text: string): Promise<void> {
    const flags = dom.id < 0 ? 2 : 3;
    await this.#connection.call('DOMAIN_SET_METADATA', { dom, type: 0, metadata: text, key: null, uri: null, flags });
  }

  /** An admin at the keyboard: a device into the canonical document, and into the guest. */
  async attach(dom: Dom, xml: string, where: 'document' | 'live'): Promise<void> {
    await this.#connection.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml, flags: where === 'live' ? 1 : 2 });
  }

  /** Asks all witnesses. Undefined when there is no such domain. The guest is asked until it sees the devices of the live document, or time is up. */
  async look(name: string, guest: Guest, { times }: Patience): Promise<Sighting | undefined> {
    const dom = await this.find(name);
    if (!dom) return undefined;
    const canonical = await this.canonical(dom);
    const live = await this.live(dom);
    const base = {
      machine: JSON.stringify(machineOf(canonical)),
      description: descriptionOf(canonical),
      document: documentView(canonical),
    };
    if (live === undefined) return base;
    const seen = documentView(live);
    const report = await this.#settled(guest, seen, times);
    return {
      ...base,
      live: seen,
      qemu: await this.#qemu(dom, live, times),
      process: `${this.host.hostUuid} ${dom.id}`,
      ...(report ? { guest: guestView(report), boot: report.bootId } : {}),
    };
  }

  async #qemu(dom: Dom, live: string, times: number): Promise<View> {
    const wanted = [...documentView(live)].filter(([, { pci }]) => pci).length;
    for (const deadline = performance.now() + QEMU_WITHIN * times; ; ) {
      const cmd = '{"execute":"query-pci"}';
      const { result } = await this.#connection.call('QEMU_DOMAIN_MONITOR_COMMAND', { dom, cmd, flags: 0 });
      const answer = JSON.parse(result) as { readonly return: readonly { readonly devices: QemuPciDevice[] }[] };
      const view = qemuView(answer.return, live);
      // It sees behind a bridge only once the firmware has numbered the buses.
      if (view.size >= wanted || performance.now() > deadline) return view;
      await pause();
    }
  }

  async #settled(guest: Guest, live: View, times: number): Promise<GuestReport | undefined> {
    const due = [...live.keys()].filter(isOwn);
    for (const deadline = performance.now() + GUEST_WITHIN * times; ; ) {
      const report = await guest.report({ timeout: 30_000 * times }).catch(() => undefined);
      if (!report || performance.now() > deadline) return report;
      const view = guestView(report);
      const seen = [...view.keys()].filter(isOwn);
      if (seen.length === due.length && due.every((device) => view.has(device))) return report;
      await pause();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
    await this.host.stop();
  }
}

/** How libvirt names a domain. */
export type Dom = { readonly name: string; readonly uuid: string; readonly id: number };

/** Whether it is a disk or a NIC, which are what the kit plugs. */
export const isOwn = (device: string) => /^(disk|interface) /.test(device);

const pause = () => new Promise((resolve) => setTimeout(resolve, ASK_EVERY));
