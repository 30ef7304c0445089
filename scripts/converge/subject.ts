import {
  type Connection,
  type DomainHandle,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_MIGRATABLE,
  VIR_DOMAIN_XML_SECURE,
} from '../../src/connection/index.js';
import { type BaseKind, documentOf, KINDS } from './bases.js';
import type { Candidate } from './candidates.js';
import { contextOf, stepsTowards } from './check.js';

/** What the plan towards one of a domain's documents would do: it should be nothing. */
export interface Finding {
  /** The document that was asked for: as it was defined, or as libvirt writes it. */
  readonly desired: string;
  readonly line: string;
}

export interface Outcome {
  readonly candidate: Candidate;
  /** Undefined when libvirt refused it in every base. */
  readonly base: BaseKind | undefined;
  readonly xml: string;
  readonly refusal: string | undefined;
  readonly findings: readonly Finding[];
}

/** VIR_DOMAIN_UNDEFINE_MANAGED_SAVE, _SNAPSHOTS_METADATA, _KEEP_NVRAM and _CHECKPOINTS_METADATA. */
const UNDEFINE_ALL = 1 | 2 | 8 | 16;

/** Defines one candidate as another client would, and plans towards each of the documents that say the same. */
export async function tryOut(
  connection: Connection,
  candidate: Candidate,
  lane: number,
  number: number,
): Promise<Outcome> {
  const versions = { libvirt: connection.libvirtVersion, qemu: connection.hypervisorVersion };
  const kinds = number % 2 === 0 ? KINDS : [...KINDS].reverse();
  let refusal: string | undefined;
  let xml = '';
  for (const base of kinds) {
    xml = documentOf(
      candidate.machine,
      base,
      candidate.parts,
      `d1c0ffee-0000-4000-8000-${String(lane).padStart(12, '0')}`,
      `converge${lane}`,
    );
    let dom: DomainHandle;
    try {
      dom = (await connection.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 })).dom;
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
      continue;
    }
    try {
      const findings = await offFindings(connection, dom, xml, versions);
      return { candidate, base, xml, refusal: undefined, findings };
    } finally {
      await connection.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: UNDEFINE_ALL }).catch((e) => {
        console.error(e.message, xml);
        throw e;
      });
    }
  }
  return { candidate, base: undefined, xml, refusal, findings: [] };
}

async function offFindings(
  connection: Connection,
  dom: DomainHandle,
  xml: string,
  versions: { libvirt: string; qemu: string },
): Promise<Finding[]> {
  const dump = async (flags: number) => (await connection.call('DOMAIN_GET_XML_DESC', { dom, flags })).xml;
  const [canonical, shown, migratable] = await Promise.all([
    dump(VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE),
    dump(VIR_DOMAIN_XML_INACTIVE),
    // libvirt writes none for a domain that it could not migrate, such as one with vCPUs in an odd order.
    dump(VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_SECURE).catch(() => undefined),
  ]);
  const context = contextOf(canonical, undefined, versions);
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const [desired, text] of Object.entries({
    itself: xml,
    canonical,
    'canonical without secrets': shown,
    migratable,
  })) {
    if (text === undefined || seen.has(text)) continue;
    seen.add(text);
    for (const line of stepsTowards(text, context)) findings.push({ desired, line });
  }
  return findings;
}
