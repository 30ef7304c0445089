/** docs/errors.md is the closed list, no more and no less, and comments name no code that is not on it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as fleet from '../../src/fleet/index.js';
import * as api from '../../src/index.js';
import * as testing from '../../src/testing/index.js';
import { classesOnPage, codesOnPage, project } from './page.js';

const { ERROR_CODES, LibvirtCanonicalError } = api;

test('the page lists every code once, in the order of the list', () => {
  assert.equal(
    codesOnPage().map(({ code }) => code),
    [...ERROR_CODES],
  );
  for (const { code, cause, remedy, changed } of codesOnPage())
    assert.ok(cause !== '' && remedy !== '' && changed !== '', `${code} has an empty cell`);
});

test('its classes are exported, and all that are exported are on it', () => {
  const exported = Object.entries({ ...api, ...fleet, ...testing })
    .filter(([, value]) => typeof value === 'function' && value.prototype instanceof LibvirtCanonicalError)
    .map(([name]) => name);
  const used = new Set(codesOnPage().flatMap(({ classes }) => classes));
  assert.equal([...used].filter((name) => name !== 'LibvirtCanonicalError').sort(), exported.sort());
  for (const { name } of classesOnPage()) assert.ok(used.has(name), `no code is of class ${name}`);
});

/** Words in capitals with an underscore that are no codes: libvirt's, the system's, and names of constants. */
const NO_CODE =
  /^(VIR|AUTH|BLOCK|CONNECT|CPU|DEVICE_REMOV|DEVICE_MISSING|DOMAIN_(DEFINE|CREATE|SNAPSHOT|GET|LOOKUP|OPEN|UNDEFINE|ATTACH|DETACH|UPDATE)|EVENT|LIBVIRT_|MAX|NETWORK|NO_|NODE|OPERATION|OWN|PATH|QEMU|REMOTE|RTC|STORAGE_VOL|TRANSIENT_JOB|XDG|XML_INACTIVE|DEFINE_ONLY|ERROR_CODES|LATE)/;

test('comments promise only errors that there are', () => {
  const codes: ReadonlySet<string> = new Set(ERROR_CODES);
  let promised = 0;
  for (const name of readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.startsWith('connection/generated/')) continue;
    const text = readFileSync(join(project, 'src', name), 'utf8');
    for (const [comment] of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
      // A comment that speaks of errors: every word in capitals in it is a code, or known for another thing.
      if (!/\bErrors?\b|[Tt]hrows|[Rr]ejects|`code`/.test(comment)) continue;
      for (const [word] of comment.matchAll(/\b[A-Z]+(?:_[A-Z0-9]+)+\b/g)) {
        if (codes.has(word)) promised += 1;
        else assert.match(word, NO_CODE, `${name} speaks of ${word}`);
      }
    }
  }
  assert.ok(promised > 60, `only ${promised} codes are named in comments`);
});

test.run();
