import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_METADATA_DESCRIPTION,
  VIR_DOMAIN_METADATA_TITLE,
  VIR_DOMAIN_XML_INACTIVE,
} from '../../../src/connection/generated/constants.js';
import { keepaliveFrame, PING, PONG } from '../../../src/connection/keepalive.js';
import { procedureOf } from '../../../src/connection/procedures.js';
import { FrameReader } from '../../../src/connection/wire/framing.js';
import { type Message, Program, readMessage } from '../../../src/connection/wire/message.js';
import { XdrWriter } from '../../../src/connection/wire/xdr.js';
import { replyFrame } from '../../../test/support/calls.js';
import type { RecordedDomain, Recording } from './record.js';
import { type Call, callOf, keyOf } from './wire.js';

/** What can be set in a document: virDomainSetMetadata. */
interface Side {
  title: string | undefined;
  description: string | undefined;
  readonly elements: Map<string, string>;
}

/** A domain of a simulated host: a recorded one under another name, and what has been written into its metadata since. */
export class SimulatedDomain {
  readonly name: string;
  readonly uuid: string;
  readonly id: number;
  /** How often its title was set. */
  titled = 0;
  readonly #recorded: RecordedDomain;
  readonly #config: Side;
  readonly #live: Side;

  constructor(recorded: RecordedDomain, name: string, uuid: string, id: number) {
    this.#recorded = recorded;
    const side = (flags: number): Side => ({
      title: undefined,
      description: undefined,
      elements: elementsOf(recorded.documents[flags] ?? ''),
    });
    this.#config = side(VIR_DOMAIN_XML_INACTIVE);
    this.#live = side(0);
    this.name = name;
    this.uuid = uuid;
    this.id = id;
  }

  get kind(): 'running' | 'off' {
    return this.id < 0 ? 'off' : 'running';
  }

  get title(): string | undefined {
    return this.#config.title;
  }

  document(flags: number): string {
    const recorded = this.#recorded.documents[flags];
    if (recorded === undefined) throw new Error(`no document was recorded with flags ${flags}`);
    const side = this.id < 0 || flags & VIR_DOMAIN_XML_INACTIVE ? this.#config : this.#live;
    return withMetadata(recorded, side)
      .replaceAll(this.#recorded.uuid, this.uuid)
      .replace(`<name>${this.#recorded.name}</name>`, `<name>${this.name}</name>`);
  }

  set({ type, metadata, key, uri, flags }: SetMetadata): void {
    const sides = [
      ...(flags & VIR_DOMAIN_AFFECT_LIVE ? [this.#live] : []),
      ...(flags & VIR_DOMAIN_AFFECT_CONFIG ? [this.#config] : []),
    ];
    for (const side of sides) {
      if (type === VIR_DOMAIN_METADATA_DESCRIPTION) side.description = metadata ?? undefined;
      else if (type === VIR_DOMAIN_METADATA_TITLE) side.title = metadata ?? undefined;
      else if (metadata === null) side.elements.delete(uri ?? '');
      else side.elements.set(uri ?? '', namespaced(metadata, key ?? '', uri ?? ''));
    }
    if (type === VIR_DOMAIN_METADATA_TITLE) this.titled++;
  }
}

interface SetMetadata {
  readonly type: number;
  readonly metadata: string | null;
  readonly key: string | null;
  readonly uri: string | null;
  readonly flags: number;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** As virXMLInjectNamespace: every element of it in the namespace. */
function namespaced(xml: string, prefix: string, uri: string): string {
  return xml.replaceAll(/<(\/?)([A-Za-z])/g, `<$1${prefix}:$2`).replace(/^<([\w.:-]+)/, `<$1 xmlns:${prefix}="${uri}"`);
}

const METADATA = / {2}<metadata>\n([\s\S]*?)\n {2}<\/metadata>\n/;

/** The elements of a document's metadata, as libvirt writes them, by namespace. */
function elementsOf(document: string): Map<string, string> {
  const inside = METADATA.exec(document)?.[1] ?? '';
  const elements = inside.split(/\n(?= {4}<[^/])/).filter((each) => each !== '');
  return new Map(elements.map((each) => [/xmlns:[\w.-]+="([^"]*)"/.exec(each)?.[1] ?? '', each.trimStart()]));
}

/** A document with what was set in it, in the order and with the indents of libvirt. */
function withMetadata(document: string, { title, description, elements }: Side): string {
  const parts = [
    title === undefined ? '' : `  <title>${escaped(title)}</title>\n`,
    description === undefined ? '' : `  <description>${escaped(description)}</description>\n`,
    elements.size === 0 ? '' : `  <metadata>\n    ${[...elements.values()].join('\n    ')}\n  </metadata>\n`,
  ];
  return document.replace(METADATA, '').replace('</uuid>\n', () => `</uuid>\n${parts.join('')}`);
}

const writer = new XdrWriter();

/** What all hosts of a simulation count. */
export interface Counts {
  calls: number;
  /** Calls that nobody recorded: the simulation is wrong then. */
  readonly unknown: Set<string>;
}

/** A host that was recorded, under a UUID of its own and with domains of its own: on a socket, by libvirt's protocol. */
export class SimulatedHost {
  readonly domains: readonly SimulatedDomain[];
  readonly #recording: Recording;
  readonly #counts: Counts;
  readonly #path: string;
  readonly #server: Server;
  readonly #uuid: string;
  readonly #byUuid: ReadonlyMap<string, SimulatedDomain>;

  constructor(
    path: string,
    uuid: string,
    domains: readonly SimulatedDomain[],
    { recording, counts }: { readonly recording: Recording; readonly counts: Counts },
  ) {
    this.domains = domains;
    this.#path = path;
    this.#uuid = uuid;
    this.#recording = recording;
    this.#counts = counts;
    this.#byUuid = new Map(domains.map((domain) => [domain.uuid, domain]));
    this.#server = createServer((socket) => this.#serve(socket));
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.#path, resolve));
  }

  close(): void {
    this.#server.close();
    rmSync(this.#path, { force: true });
  }

  #serve(socket: Socket): void {
    const reader = new FrameReader((frame) => {
      const message = readMessage(frame);
      if (message.program !== Program.KEEPALIVE) socket.write(this.#answer(message));
      else if (message.procedure === PING) socket.write(keepaliveFrame(PONG));
    });
    socket.on('data', (chunk) => reader.push(chunk));
    socket.on('error', () => undefined);
  }

  #answer(message: Message): Buffer {
    const call = callOf(message);
    if (!call) throw new Error('this is no call');
    this.#counts.calls++;
    const own = this.#own(call);
    if (own !== undefined) return replyFrame(message, own);
    const uuid = (call.args.dom as { readonly uuid?: string } | undefined)?.uuid ?? '';
    const key = keyOf(call, this.#byUuid.get(uuid)?.kind ?? '');
    const [status, payload] = this.#recording.answers[key] ?? this.#absent(call, key);
    const bytes = Buffer.from(payload, 'base64');
    // The documents of a host have its UUID, which is as long as any other.
    if (call.name === 'CONNECT_GET_CAPABILITIES')
      for (const recorded of this.#recording.hosts) {
        const at = bytes.indexOf(recorded);
        if (at >= 0) bytes.write(this.#uuid, at);
      }
    return replyFrame(message, bytes, status);
  }

  #absent(call: Call, key: string): Recording['absent'] {
    if (!LOOKUPS.includes(call.name)) this.#counts.unknown.add(key);
    return this.#recording.absent;
  }

  /** What depends on the domains of this host. */
  #own({ name, args }: Call): Buffer | undefined {
    const reply = (result: object): Buffer => {
      writer.begin(0);
      procedureOf(name).result.write(writer, result);
      return Buffer.from(writer.finish());
    };
    const handle = ({ name: of, uuid, id }: SimulatedDomain) => ({ name: of, uuid, id });
    const domain = this.#byUuid.get((args.dom as { readonly uuid?: string } | undefined)?.uuid ?? String(args.uuid));
    switch (name) {
      case 'CONNECT_CLOSE':
        return reply({});
      case 'CONNECT_LIST_ALL_DOMAINS':
        return reply({ domains: this.domains.map(handle), ret: this.domains.length });
      case 'DOMAIN_LOOKUP_BY_UUID':
        return domain && reply({ dom: handle(domain) });
      case 'DOMAIN_LOOKUP_BY_NAME': {
        const named = this.domains.find((each) => each.name === args.name);
        return named && reply({ dom: handle(named) });
      }
      case 'DOMAIN_GET_XML_DESC':
        return domain && reply({ xml: domain.document(args.flags as number) });
      case 'DOMAIN_SET_METADATA':
        domain?.set(args as unknown as SetMetadata);
        return domain && reply({});
      default:
        return undefined;
    }
  }
}

const LOOKUPS: readonly string[] = ['DOMAIN_LOOKUP_BY_UUID', 'DOMAIN_LOOKUP_BY_NAME'];
