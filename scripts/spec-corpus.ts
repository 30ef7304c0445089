/**
 * Reads other people's domain documents as specs, and lists by path what a spec cannot say.
 *
 *   npm run spec-corpus -- DIRECTORY
 *
 * DIRECTORY holds XML files at any depth, such as the tests of libvirt or of virt-manager. Only documents of type kvm and qemu
 * count. Ends with 1 when one cannot be read as a spec at all, or its spec not be written as XML, and when there is none.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DomainDocument, domainXml, readSpec } from '../src/domain/index.js';

const [given] = process.argv.slice(2);
if (given === undefined) {
  console.error('Usage: npm run spec-corpus -- DIRECTORY');
  process.exit(2);
}

/** Every domain in a folder: a file may hold several, as the output of a program that made some. */
function documents(folder: string): Array<readonly [file: string, xml: string]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.xml'));
  return files.sort().flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return [...text.matchAll(/<domain[\s>][\s\S]*?<\/domain>/g)]
      .filter(([xml]) => /^<domain\b[^>]*\btype=['"](kvm|qemu)['"]/.test(xml))
      .map(([xml]) => [file, xml] as const);
  });
}

const all = documents(resolve(given));
const unsaid = new Map<string, number>();
let whole = 0;
let failed = 0;
for (const [file, xml] of all) {
  try {
    if (new DomainDocument(xml).name === '') continue;
    const read = readSpec(xml);
    domainXml(read.spec);
    if (read.unsaid.length === 0) whole++;
    for (const path of new Set(read.unsaid.map(plain))) unsaid.set(path, (unsaid.get(path) ?? 0) + 1);
  } catch (error) {
    failed++;
    console.log(`NOT READ ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A path without the numbers of repeated elements, below the kind of device that it is of. */
function plain({ subject, path }: { subject: string; path: string }): string {
  const kind = subject === 'domain' ? '' : `devices/${subject.split(' ')[0]}/`;
  return `${kind}${path.replace(/\[\d+\]/g, '')}`;
}

console.log(`spec: ${whole} of ${all.length} documents say nothing that a spec cannot say`);
for (const [path, count] of [...unsaid].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)))
  console.log(`  ${String(count).padStart(4)} ${path}`);
process.exitCode = failed === 0 && all.length > 0 ? 0 : 1;
