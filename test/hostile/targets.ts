import * as assert from 'uvu/assert';
import { entriesIn } from '../../src/apply/journal-entry.js';
import { interruptedIn } from '../../src/apply/recover.js';
import { parseClientConfig } from '../../src/connection/transports/default-uri.js';
import { parseUri } from '../../src/connection/transports/uri.js';
import { structCodec } from '../../src/connection/wire/codec.js';
import { FrameReader } from '../../src/connection/wire/framing.js';
import { readMessage } from '../../src/connection/wire/message.js';
import { XdrReader } from '../../src/connection/wire/xdr.js';
import {
  DomainDocument,
  decodeSpec,
  domainClaims,
  driftFrom,
  guestAbi,
  OWN_METADATA,
  packed,
  quarantineOf,
  readSeal,
  secretsHidden,
  withoutBookkeeping,
} from '../../src/domain/index.js';
import { type ErrorCode, LibvirtCanonicalError } from '../../src/errors.js';
import { parseBundle } from '../../src/evacuation/bundle.js';
import { disksOf, Intent, Plan, planChanges } from '../../src/plan/index.js';
import { rescueStateOf } from '../../src/rescue/rescue.js';
import { parseXml, serialize } from '../../src/xml/index.js';
import { contextOf, fixture } from '../support/fixtures.js';
import { FIELD_LISTS } from '../support/wire-types.js';

/** One reader of bytes that may come from an enemy. */
export interface Target {
  /** What it can be started from: inputs that lead somewhere. */
  readonly seeds: () => Buffer[];
  /** Reads the bytes. Throws when a promise is broken; an error of the library that is foreseen is none. */
  run(bytes: Buffer): void;
}

/** Does it, and takes the errors that are foreseen for an answer. True when it was done. */
export function tolerates(codes: readonly ErrorCode[], work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError) || !codes.includes(error.code)) throw error;
    return false;
  }
}

const XML = ['XML_MALFORMED', 'XML_FORBIDDEN', 'XML_LIMIT'] as const;
/** What a document that no libvirt wrote may end in. */
const DOCUMENT = [...XML, 'SPEC_INVALID', 'DEVICE_KIND_UNKNOWN', 'PLAN_REFUSED'] as const;
const JSON_FORM = [...DOCUMENT, 'SPEC_UNKNOWN_FIELD', 'UNSUPPORTED', 'ARGUMENT_INVALID'] as const;

const fieldLists = [...FIELD_LISTS.values()];
const text = (value: string) => Buffer.from(value);

/** Values in a result, each at least an array slot or an object: what an input makes the reader allocate. */
function cells(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 1;
  return Object.values(value).reduce<number>((sum, each) => sum + cells(each), 1);
}

function unpolluted(): void {
  assert.equal(Object.keys(Object.prototype), [], 'the prototype of objects is as it was');
  assert.is(({} as { polluted?: unknown }).polluted, undefined);
}

/** Everything that is asked of a document when a domain is looked at or planned for. */
function lookInto(document: DomainDocument): void {
  for (const device of document.devices) decodeSpec(device.kind.fields, device.leaves);
  guestAbi(document);
  disksOf(document);
  secretsHidden(document)('text');
  Intent.read(document);
  interruptedIn({ canonical: document, live: undefined, entries: entriesIn(document) });
  rescueStateOf(document);
  domainClaims(document);
  quarantineOf(document);
  withoutBookkeeping(document.xml);
  const seal = readSeal(document);
  if (typeof seal !== 'string') driftFrom(seal, document, '9.0.0');
  const plan = planChanges({ set: { title: 'x' } }, { ...contextOf('off'), canonical: document, live: undefined });
  JSON.stringify(plan);
  String(plan);
}

/** Content of `<metadata>`, which anybody may write who may write metadata. */
const inMetadata = (content: string) =>
  fixture('off.xml').replace(/<metadata>[\s\S]*?<\/metadata>|(?=<memory)/, `<metadata>\n${content}\n  </metadata>`);

const metadataSeeds = (): string[] => [
  ...(Object.entries(OWN_METADATA) as [string, { prefix: string; uri: string }][]).flatMap(([name, { prefix, uri }]) =>
    [uri, `${uri}:00112233`].map(
      (own) =>
        `    <${prefix}:${name} xmlns:${prefix}="${own}" phase="apply" format="1" pid="1" since="2026-01-01T00:00:00Z" disk="x" target="vda"><${prefix}:device kind="disk" name="vda" alias="ua-root"/><${prefix}:freed kind="disk" name="x" address="pci 0000:01:00.0"/>{"__proto__":{"polluted":1}}</${prefix}:${name}>`,
    ),
  ),
  `    <lvcs:storage xmlns:lvcs="${OWN_METADATA.storage.uri}"><lvcs:disk target="vda">{"driver":"iscsi"}</lvcs:disk></lvcs:storage>`,
  `    <lvcd:seal xmlns:lvcd="${OWN_METADATA.seal.uri}" libvirt="9.0.0">${packed(new DomainDocument(fixture('off.xml')))}</lvcd:seal>`,
];

/** The readers, by the name that `npm run fuzz` takes. */
export const TARGETS = {
  /** The first two bytes choose a type of the protocol, the rest is a value of it. */
  xdr: {
    seeds: () => fieldLists.map((_, at) => Buffer.from([at >> 8, at & 255, ...new Array(160).fill(at % 3)])),
    run(bytes) {
      if (bytes.length < 2) return;
      const codec = structCodec(fieldLists[bytes.readUInt16BE(0) % fieldLists.length] as string);
      const payload = bytes.subarray(2);
      tolerates(['PROTOCOL_VIOLATION'], () => {
        const count = cells(codec.read(new XdrReader(payload)));
        assert.ok(count <= payload.length + 200, `${count} values of ${payload.length} bytes`);
      });
    },
  },
  /** The first byte is the size of the chunks that the rest comes in. */
  frame: {
    seeds: () => [Buffer.from(`07${'0000001c20008086000000010000000e000000010000000100000000'.repeat(3)}`, 'hex')],
    run(bytes) {
      const [step = 1] = bytes;
      const stream = bytes.subarray(1);
      let passed = 0;
      const reader = new FrameReader((frame) => {
        assert.ok(frame.equals(stream.subarray(passed, passed + frame.length)), 'a frame is what came');
        passed += frame.length;
        tolerates(['PROTOCOL_VIOLATION'], () => readMessage(frame));
      });
      tolerates(['PROTOCOL_VIOLATION'], () => {
        for (let at = 0; at < stream.length; at += step + 1) reader.push(stream.subarray(at, at + step + 1));
        assert.ok(passed <= stream.length);
      });
    },
  },
  xml: {
    seeds: () => ['web.xml', 'foreign.xml', 'full.live.xml'].map((name) => text(fixture(name))),
    run(bytes) {
      const xml = bytes.toString();
      tolerates(DOCUMENT, () => {
        const document = parseXml(xml);
        const once = serialize(document);
        assert.is(serialize(parseXml(once)), once, 'what was written is read as it was');
        const domain = new DomainDocument(xml);
        if (domain.root.nodeName === 'domain') lookInto(domain);
      });
      unpolluted();
    },
  },
  'plan-json': {
    seeds: () => {
      const plan = planChanges(
        {
          attach: [{ disk: { id: 'data', target: 'vdc', file: '/img/data' } }],
          update: [{ graphics: 'vnc', set: { keymap: 'de' } }],
          set: { vcpus: 3, title: 'New' },
        },
        contextOf('web'),
      );
      return [text(JSON.stringify(plan)), text('{"formatVersion":1,"__proto__":{"polluted":1}}')];
    },
    run(bytes) {
      tolerates(JSON_FORM, () => {
        const plan = Plan.fromJSON(bytes.toString());
        assert.is(JSON.stringify(Plan.fromJSON(JSON.stringify(plan))), JSON.stringify(plan));
        String(plan);
        tolerates(JSON_FORM, () => JSON.stringify(plan.withSecretsFrom(contextOf('web'))));
      });
      unpolluted();
    },
  },
  bundle: {
    seeds: () => [
      text(
        JSON.stringify({
          formatVersion: 1,
          name: 'off',
          uuid: '00112233-4455-6677-8899-aabbccddeeff',
          exportedAt: 'x',
          from: { libvirt: '9.0.0', qemu: '7.2.0' },
          document: fixture('off.xml'),
          abi: guestAbi(new DomainDocument(fixture('off.xml'))),
          autostart: true,
          notes: [],
        }),
      ),
    ],
    run(bytes) {
      tolerates(JSON_FORM, () => parseBundle(bytes.toString()));
      unpolluted();
    },
  },
  uri: {
    seeds: () => [
      text('qemu+unix:///session?socket=/run/a+b&mode=legacy&name=x%20y#z'),
      text('qemu+ssh://user:pass@[::1]:22/system?keyfile=x;no_verify=1'),
      text('uri_default = "qemu:///system"\nuri_aliases = [ "a=qemu:///x", "b=y" ]\n# comment'),
    ],
    run(bytes) {
      const given = bytes.toString();
      tolerates(['URI_INVALID'], () => parseUri(given));
      parseClientConfig(given);
    },
  },
  metadata: {
    seeds: () => metadataSeeds().map(text),
    run(bytes) {
      tolerates(DOCUMENT, () => lookInto(new DomainDocument(inMetadata(bytes.toString()))));
      unpolluted();
    },
  },
} satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;
