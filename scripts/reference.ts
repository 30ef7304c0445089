/**
 * Writes the reference of specs: a page for each kind of device and one for settings, out of the tables that requests are
 * checked by, so that it cannot lag. test/domain/reference.test.ts holds the committed pages against it.
 *
 *   npm run reference
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, referencePages } from './reference/pages.js';

mkdirSync(FOLDER, { recursive: true });
for (const [name, text] of referencePages()) writeFileSync(join(FOLDER, name), text);
