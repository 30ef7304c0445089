import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { DomainDocument, type ObservedDomain } from '../../src/domain/index.js';

/** Where the fixtures lie, seen from the compiled test. */
export const FIXTURES = new URL('../../../test/fixtures/', import.meta.url);

/** Names of all documents under test/fixtures. */
export const fixtureNames: readonly string[] = existsSync(FIXTURES)
  ? readdirSync(FIXTURES)
      .filter((name) => name.endsWith('.xml'))
      .sort()
  : [];

/** The text of one document. */
export function fixture(name: string): string {
  return readFileSync(new URL(name, FIXTURES), 'utf8');
}

/** What the planner would know of a domain under test/fixtures: `web` is web.xml and, while it runs, web.live.xml. */
export function contextOf(name: string, more: Partial<ObservedDomain> = {}): ObservedDomain {
  const live = fixtureNames.includes(`${name}.live.xml`) ? new DomainDocument(fixture(`${name}.live.xml`)) : undefined;
  return {
    canonical: new DomainDocument(fixture(`${name}.xml`)),
    live,
    persistent: true,
    autostart: false,
    managedSave: false,
    versions: { libvirt: '9.0.0', qemu: '7.2.0' },
    ...more,
  };
}
