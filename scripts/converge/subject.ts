import {
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_MIGRATABLE,
  VIR_DOMAIN_XML_SECURE,
} from '../../src/connection/index.js';
import type { ObservedDomain } from '../../src/domain/index.js';
import { type DomainManager, ImportRefusedError, LibvirtCanonicalError } from '../../src/index.js';
import { type BaseKind, documentOf, KINDS } from './bases.js';
import type { Candidate } from './candidates.js';
import { contextOf, stepsTowards } from './check.js';
import { type NotTriedRow, notTried } from './not-tried.js';

/** A line of the plan towards one of a domain's documents: there should be none. */
export interface Finding {
  /** The document that was asked for, as it was defined or as libvirt writes it, and what was done before. */
  readonly desired: string;
  readonly line: string;
}

/** What is done to a domain beside defining it: a share of the domains goes through each. */
export type Trial = 'start' | 'attach' | 'own attach' | 'own define' | 'move';

export interface Outcome {
  readonly index: number;
  readonly candidate: Candidate;
  /** Undefined when libvirt refused it in every base. */
  readonly base: BaseKind | undefined;
  readonly xml: string;
  /** libvirt's word when it refused. */
  readonly refusal: string | undefined;
  /** What was done, when it could be. */
  readonly trials: readonly Trial[];
  readonly findings: readonly Finding[];
  /** What was left out with it, because libvirt ends or hangs at it. */
  readonly leftOut: readonly NotTriedRow[];
}

/** Where a domain is defined: the connection, a folder for its images, and the lane, each of which has a domain of its own. */
export interface Site {
  readonly connection: Connection;
  readonly manager: DomainManager;
  readonly images: string;
  readonly lane: number;
}

/** VIR_DOMAIN_UNDEFINE_MANAGED_SAVE, _SNAPSHOTS_METADATA, _KEEP_NVRAM and _CHECKPOINTS_METADATA. */
const UNDEFINE_ALL = 1 | 2 | 8 | 16;
const AFFECT_CONFIG = 2;
const START_PAUSED = 1;
/** Which of forty domains in turn go through what; the others are only defined. */
const TRIALS: ReadonlyArray<Trial | undefined> = Array.from(
  { length: 40 },
  (_, n) =>
    (
      ({
        5: 'attach',
        7: 'start',
        11: 'own define',
        13: 'own attach',
        18: 'own define',
        23: 'move',
        25: 'attach',
        30: 'own define',
      }) as Record<number, Trial>
    )[n],
);
/** Devices to attach, of which the first that libvirt takes is attached. */
const PLUGGED = [
  "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
  "<redirdev bus='usb' type='null'/>",
  "<channel type='null'><target type='virtio' name='org.converge.plugged'/></channel>",
];

/** Defines one candidate as another client would, and plans towards each of the documents that say the same. */
export async function tryOut(site: Site, candidate: Candidate, index: number): Promise<Outcome> {
  const kinds = index % 2 === 0 ? KINDS : [...KINDS].reverse();
  const leftOut: NotTriedRow[] = [];
  let refusal: string | undefined;
  for (const base of kinds) {
    const uuid = `d1c0ffee-0000-4000-8000-${String(site.lane).padStart(12, '0')}`;
    const xml = documentOf(candidate.machine, base, candidate.parts, uuid, `converge${site.lane}`).replaceAll(
      '/var/lib/libvirt/images',
      site.images,
    );
    const row = notTried('define', xml);
    if (row) {
      leftOut.push(row);
      continue;
    }
    let dom: DomainHandle;
    try {
      dom = await define(site, xml);
    } catch (error) {
      if (!(error instanceof LibvirtError)) throw error;
      refusal = error.libvirtMessage;
      continue;
    }
    const domain = new Subject(site, dom, xml);
    try {
      await domain.look('');
      await domain.trial(index);
    } finally {
      await domain.remove();
    }
    const { trials, findings } = domain;
    leftOut.push(...domain.leftOut);
    return { index, candidate, base, xml, refusal: undefined, trials, findings, leftOut };
  }
  return { index, candidate, base: undefined, xml: '', refusal, trials: [], findings: [], leftOut };
}

async function define({ connection }: Site, xml: string): Promise<DomainHandle> {
  return (await connection.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 })).dom;
}

/** A defined domain, and what was found about it. */
class Subject {
  readonly findings: Finding[] = [];
  readonly trials: Trial[] = [];
  readonly leftOut: NotTriedRow[] = [];
  readonly #site: Site;
  #dom: DomainHandle;
  readonly #xml: string;

  constructor(site: Site, dom: DomainHandle, xml: string) {
    this.#site = site;
    this.#dom = dom;
    this.#xml = xml;
  }

  /** Does one thing more with every tenth domain or so. */
  async trial(index: number): Promise<void> {
    const trial = TRIALS[index % TRIALS.length];
    if (trial === undefined) return;
    try {
      if (trial === 'start') await this.#started();
      else if (trial === 'attach') await this.#attached();
      else if (trial === 'own attach') await this.#attachedByTheLibrary();
      else if (trial === 'own define') await this.#definedByTheLibrary();
      else await this.#moved();
    } catch (error) {
      if (!(error instanceof LibvirtCanonicalError) || error.code.startsWith('CONNECTION')) throw error;
      this.findings.push({ desired: trial, line: `throws ${error.code}: ${error.message}` });
    }
  }

  async remove(): Promise<void> {
    await this.#site.connection
      .call('DOMAIN_UNDEFINE_FLAGS', { dom: this.#dom, flags: UNDEFINE_ALL })
      .catch(unlessNoDomain);
  }

  /** Plans towards the document itself and each that libvirt writes. */
  async look(after: string, itself = this.#xml): Promise<void> {
    const [canonical, shown, migratable] = await Promise.all([
      this.#dump(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE),
      this.#dump(VIR_DOMAIN_XML_INACTIVE),
      // libvirt writes none for a domain that it could not migrate, such as one with vCPUs in an odd order.
      this.#dump(VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE).catch(unlessRefused),
    ]);
    const context = this.#context(canonical as string);
    this.#plan(context, after, { itself, canonical, 'canonical without secrets': shown, migratable });
  }

  async #started(after = ''): Promise<void> {
    const { connection } = this.#site;
    const row = notTried('start', this.#xml);
    if (row) {
      this.leftOut.push(row);
      return;
    }
    const started = await connection
      .call('DOMAIN_CREATE_WITH_FLAGS', { dom: this.#dom, flags: START_PAUSED })
      .catch(unlessRefused);
    if (!started) return;
    this.trials.push('start');
    try {
      const [canonical, live, shown, migratable] = await Promise.all([
        this.#dump(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE),
        this.#dump(VIR_DOMAIN_XML_SECURE),
        this.#dump(0),
        this.#dump(VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE).catch(unlessRefused),
      ]);
      const context = this.#context(canonical as string, live);
      const documents = { itself: this.#xml, canonical, live, 'live without secrets': shown, migratable };
      this.#plan(context, `${after} while it runs`, documents);
      // The dump of a running guest says the same when it has ended.
      this.#plan(this.#context(canonical as string), `${after} once it has run`, { live, migratable });
    } finally {
      await connection.call('DOMAIN_DESTROY_FLAGS', { dom: this.#dom, flags: 0 }).catch(unlessNoDomain);
    }
  }

  /** Another client plugs something in: it is nothing that a document is to say. */
  async #attached(): Promise<void> {
    for (const xml of PLUGGED) {
      const args = { dom: this.#dom, xml, flags: AFFECT_CONFIG };
      const taken = await this.#site.connection
        .call('DOMAIN_ATTACH_DEVICE_FLAGS', args)
        .then(() => true, unlessRefused);
      if (!taken) continue;
      this.trials.push('attach');
      return this.look(' after an attach');
    }
  }

  /** The library plugs something in: from then on the document says it, too. */
  async #attachedByTheLibrary(): Promise<void> {
    const domain = await this.#site.manager.get(this.#dom.uuid);
    for (const xml of PLUGGED) {
      const plan = await domain.plan({ attach: [xml] });
      if (plan.refusals.length > 0) continue;
      const done = await domain.apply(plan).catch(unlessRefused);
      if (!done) continue;
      this.trials.push('own attach');
      return this.look(' after an attach of its own', this.#xml.replace(/(?=\n {2}<\/devices>)/, xml));
    }
  }

  /** Defined anew by the library, which leaves room for what comes later: the document is to be no other for it. */
  async #definedByTheLibrary(): Promise<void> {
    await this.remove();
    try {
      const options = { files: EVERYTHING_THERE, unstartable: 'allow' } as const;
      const domain = await this.#site.manager.define(this.#xml, options);
      this.#dom = { name: domain.name, uuid: domain.uuid, id: -1 };
    } catch (error) {
      // What the library refuses to define, or libvirt with what was added, is another question than this.
      if (error instanceof LibvirtCanonicalError && !error.code.startsWith('CONNECTION')) return;
      throw error;
    }
    this.trials.push('own define');
    await this.look(' after a define of its own');
    await this.#started(' after a define of its own');
  }

  /** Exported, undefined and imported again. */
  async #moved(): Promise<void> {
    const { manager } = this.#site;
    const bundle = await (await manager.get(this.#dom.uuid)).export({ secrets: 'include' });
    await this.remove();
    try {
      const domain = await manager.import(bundle, { files: EVERYTHING_THERE });
      this.#dom = { name: domain.name, uuid: domain.uuid, id: -1 };
    } catch (error) {
      // This host may lack what the domain needs; a host check says so, and the domain is none of the sweep's.
      if (error instanceof ImportRefusedError) return;
      throw error;
    }
    this.trials.push('move');
    await this.look(' after export and import');
  }

  #context(canonical: string, live?: string): ObservedDomain {
    const { libvirtVersion: libvirt, hypervisorVersion: qemu } = this.#site.connection;
    return contextOf(canonical, live, { libvirt, qemu });
  }

  #plan(context: ObservedDomain, after: string, documents: Readonly<Record<string, string | undefined>>): void {
    const seen = new Set<string>();
    for (const [name, text] of Object.entries(documents)) {
      if (text === undefined || seen.has(text)) continue;
      seen.add(text);
      for (const line of stepsTowards(text, context)) this.findings.push({ desired: `${name}${after}`, line });
    }
  }

  async #dump(flags: number): Promise<string> {
    return (await this.#site.connection.call('DOMAIN_GET_XML_DESC', { dom: this.#dom, flags })).xml;
  }
}

/** Host files for a check of documents that name files which nobody has. */
const EVERYTHING_THERE = {
  look: async () => 'there' as const,
  read: async () => new Uint8Array(),
  write: async () => {},
  remove: async () => {},
  list: async () => [],
};

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof LibvirtError)) throw error;
  return undefined;
}

function unlessNoDomain(error: unknown): void {
  if (!(error instanceof LibvirtError) || error.errorName !== 'VIR_ERR_NO_DOMAIN') throw error;
}
