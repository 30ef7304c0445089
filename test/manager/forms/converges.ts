import gte from 'semver/functions/gte.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LibvirtError, ManagedDomain, Plan } from '../../../src/index.js';
import { type Bench, benchOnDemand } from '../../support/bench.js';
import { failure } from '../../support/deadline.js';
import { documentOf, type Form } from './form.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** virDomainXMLFlags: secure, inactive, migratable. */
const XML = { secure: 1, inactive: 2, migratable: 8 } as const;

let domains = 0;

/** Registers a test for each form. `start` says which are started too: the rest says the same in the document of a running guest. */
export function testForms(forms: readonly Form[], start: (form: Form) => boolean): void {
  for (const form of forms) test(`planTowards is empty: ${form.name}`, () => converges(form, start(form)));
  test.run();
}

/** One connection for all that the other program does. */
const rivals = new WeakMap<Bench, ReturnType<Bench['rival']>>();
function rivalOf(b: Bench): ReturnType<Bench['rival']> {
  const rival = rivals.get(b) ?? b.rival();
  rivals.set(b, rival);
  return rival;
}

/** Defines the form as another program does, and plans towards every document that says the same. */
async function converges(form: Form, starts: boolean): Promise<void> {
  const b = await bench();
  const xml = documentOf(form, `form${++domains}`);
  const rival = await rivalOf(b);
  const defining = rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  if (form.refused !== undefined && gte(b.host.libvirtVersion, form.refused.since)) {
    assert.is((await failure<LibvirtError>(defining, 'LIBVIRT')).errorName, form.refused.code);
    return;
  }
  const { dom } = await defining;
  const domain = await b.manager.get(`form${domains}`);
  const dump = async (flags: number) => (await rival.call('DOMAIN_GET_XML_DESC', { dom, flags })).xml;
  const documents: Record<string, string> = {
    'as defined': xml,
    'canonical dump': await domain.canonical(),
    'migratable canonical dump': await dump(XML.secure | XML.inactive | XML.migratable),
  };
  const failures = await planned(domain, documents, 'shut off');
  if (starts) {
    await domain.start({ paused: true });
    documents['live dump'] = await dump(XML.secure);
    documents['migratable live dump'] = await dump(XML.secure | XML.migratable);
    failures.push(...(await planned(domain, documents, 'running')));
    const { changes } = await domain.pending();
    const settled = form.settledSince !== undefined && gte(b.host.libvirtVersion, form.settledSince);
    if (changes.length > 0 !== (form.pending !== undefined && !settled))
      failures.push(`pending: ${JSON.stringify(changes)}`);
    await domain.destroy();
    failures.push(...(await planned(domain, documents, 'shut off again')));
  }
  // From here on the domain knows what was asked for: all that libvirt added by itself, too.
  if (failures.length === 0) {
    await domain.apply(await domain.planTowards(documents['canonical dump'] as string));
    failures.push(...(await planned(domain, documents, 'after a dump was applied')));
  }
  assert.equal(failures, [], xml);
}

async function planned(domain: ManagedDomain, documents: Record<string, string>, when: string): Promise<string[]> {
  const failures: string[] = [];
  for (const [name, xml] of Object.entries(documents)) {
    try {
      failures.push(...textOf(await domain.planTowards(xml)).map((line) => `${when}, ${name}: ${line}`));
    } catch (error) {
      failures.push(`${when}, ${name}: throws ${(error as Error).message}`);
    }
  }
  return failures;
}

/** What a plan would do, but for the note of who asked for what. */
function textOf({ operations, refusals }: Plan): string[] {
  return [
    ...operations
      .filter(({ subject }) => subject !== 'intent')
      .map(({ action, subject, scope, changes }) => `${action} ${subject} ${scope} ${JSON.stringify(changes)}`),
    ...refusals.map(({ subject, path, reason }) => `refused: ${subject} ${path}: ${reason}`),
  ];
}
