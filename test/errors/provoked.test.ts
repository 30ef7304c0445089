/** Each code of the closed list is provoked, and its error is held to what docs/errors.md says of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_CODES, type ErrorCode, LibvirtCanonicalError } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { within } from '../support/deadline.js';
import { Wire } from '../support/wire.js';
import { classesOnPage, codesOnPage } from './page.js';
import { SCENARIOS } from './scenarios.js';

const bench = benchOnDemand();
test.after(bench.stop);

/** Codes whose message is itself all that can be said of what to do. */
const NO_REMEDY: Partial<Record<ErrorCode, string>> = {
  LIBVIRT: "the words are libvirt's",
  ARGUMENT_INVALID: 'it says what the argument has to be',
  SPEC_INVALID: 'it says what the value has to be',
  CONNECTION_LOST: 'it says whether the call is safe to repeat',
  CONNECTION_CLOSED: 'it says that the call is safe to repeat',
  CALL_TIMEOUT: 'it says whether the call is safe to repeat',
  ABORTED: 'the caller knows why',
  GUEST_ABI_CHANGED: 'it lists what differs',
  IMPORT_REFUSED: 'each of its findings has a remedy',
  MIGRATION_REFUSED: 'each of its findings has a remedy',
};

const BASE_FIELDS = ['code', 'cause', 'remedy', 'domain', 'device', 'path'];

for (const code of ERROR_CODES) {
  test(`${code} is provoked, and is as the page says`, async () => {
    const row = codesOnPage().find((each) => each.code === code);
    assert.ok(row, 'the page has it');
    const attempt = await within(SCENARIOS[code](await bench()), 60_000, 'preparing');
    using wire = new Wire();
    const thrown = await within(attempt(), 30_000, 'the attempt').then(
      () => assert.unreachable('it succeeded') as never,
      (error: unknown) => error,
    );
    const error = withCode(thrown, code);
    if (row.changed === 'nothing') assert.equal(wire.mutators(), [], 'it is raised before anything is changed');
    assert.ok(row.classes.includes(error.constructor.name), `${error.constructor.name} is not on the page`);
    const { fields } = classesOnPage().find(({ name }) => name === error.constructor.name) ?? { fields: [] };
    // `message` and `stack` are not enumerable, `name` is a constant of the class.
    const unknown = Object.keys(error).filter((key) => ![...BASE_FIELDS, 'name', ...fields].includes(key));
    assert.equal(unknown, [], `fields of ${error.constructor.name} that the page does not list`);
    for (const field of fields) assert.ok(field in error, `the page promises ${field}`);
    if (error.remedy !== undefined) assert.ok(error.message.endsWith(error.remedy), error.message);
    else assert.ok(NO_REMEDY[code], `it does not say what to do: ${error.message}`);
    assert.not.match(error.message, /undefined|\[object|NaN|\.\. /, error.message);
    assert.match(String(error.stack), error.constructor.name === 'AbortedError' ? /Abort/ : /Error/);
  });
}

/** The error of that code among an error and its causes: what an apply meets is the cause of its own error. */
function withCode(thrown: unknown, code: ErrorCode): LibvirtCanonicalError {
  const seen: string[] = [];
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (!(error instanceof LibvirtCanonicalError)) break;
    if (error.code === code) return error;
    seen.push(`${error.code}: ${error.message}`);
  }
  return assert.unreachable(`not ${code} but ${seen.join(' ← ') || String(thrown)}`) as never;
}

test.run();
