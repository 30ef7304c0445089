import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PROCEDURES } from '../../src/connection/generated/protocol-table.js';
import { type AnyProcedure, MANAGED_PROCEDURES, procedureOf } from '../../src/connection/procedures.js';
import { ACCESS_IS_NOT_REPEATABILITY, isRepeatable } from '../../src/connection/repeatable.js';

const ALL = Object.keys(PROCEDURES) as AnyProcedure[];
/** The connection's own: `call` refuses them, and nothing sends them a second time on one socket. */
const OWN: ReadonlySet<AnyProcedure> = new Set(MANAGED_PROCEDURES);

/** What the words of a name say, read apart from the access policy and from the table. */
const LOOKS =
  /(^|_)(GET|LIST|LOOKUP|NUM|NUM_OF|IS|HAS|STATS|PEEK|COMPARE|BASELINE|FIND|SUPPORTS|CURRENT|ADDRESSES|XML_FROM_NATIVE|XML_TO_NATIVE)(_|$)/;
const CHANGES =
  /(^|_)(SET|DEFINE|UNDEFINE|CREATE|DESTROY|DELETE|ATTACH|DETACH|DETTACH|UPDATE|START|SHUTDOWN|REBOOT|RESET|RESUME|SUSPEND|SAVE|RESTORE|MIGRATE|BEGIN|ABORT|COMMIT|PULL|REBASE|COPY|RESIZE|REVERT|RENAME|PIN|ADD|DEL|SEND|INJECT|UPLOAD|WIPE|BUILD|REFRESH|ALLOC|COMMAND|FSTRIM|FSFREEZE|FSTHAW|WAKEUP)(_|$)/;

/** Names whose words mislead, and why they are right all the same. */
const MISLEADING: Partial<Record<AnyProcedure, boolean>> = {
  DOMAIN_GET_JOB_STATS: false,
  DOMAIN_HAS_MANAGED_SAVE_IMAGE: true,
  DOMAIN_SAVE_IMAGE_GET_XML_DESC: true,
  DOMAIN_MANAGED_SAVE_GET_XML_DESC: true,
  DOMAIN_MIGRATE_GET_MAX_SPEED: true,
  DOMAIN_MIGRATE_GET_MAX_DOWNTIME: true,
  DOMAIN_MIGRATE_GET_COMPRESSION_CACHE: true,
  DOMAIN_GET_VCPU_PIN_INFO: true,
  DOMAIN_GET_EMULATOR_PIN_INFO: true,
};

test('every procedure is either repeated or never repeated, and its name says the same', () => {
  for (const name of ALL) {
    if (OWN.has(name)) continue;
    const expected = MISLEADING[name] ?? (LOOKS.test(name) && !CHANGES.test(name));
    assert.is(isRepeatable(name), expected, name);
  }
});

test('a name misleads only where it is listed', () => {
  for (const [name, repeatable] of Object.entries(MISLEADING)) {
    assert.is.not(LOOKS.test(name) && !CHANGES.test(name), repeatable, name);
  }
});

test('each row of the table differs from what the access policy says, and gives a reason', () => {
  for (const [name, [verdict, why]] of Object.entries(ACCESS_IS_NOT_REPEATABILITY)) {
    const policy = procedureOf(name as AnyProcedure).access === 'read';
    assert.is.not(verdict === 'repeat', policy, `${name} says nothing new`);
    assert.ok(why.length > 0);
  }
});

test('how many are repeated: the change of a fact does not pass unseen', () => {
  const calls = ALL.filter((name) => !OWN.has(name));
  assert.is(calls.length, 398);
  assert.is(calls.filter(isRepeatable).length, 202);
});

test.run();
