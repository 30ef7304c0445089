import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { generate, readFacts } from '../../scripts/generate-protocol.js';
import * as constants from '../../src/connection/generated/constants.js';
import { EVENTS, PROCEDURES, STRUCTS } from '../../src/connection/generated/protocol-table.js';
import { MANAGED_PROCEDURES, procedureOf } from '../../src/connection/procedures.js';
import { codecOf, structCodec } from '../../src/connection/wire/codec.js';

// The compiled test lies in build/test/connection.
const ROOT = new URL('../../../', import.meta.url);

test('what is checked in is what the generator writes', () => {
  const files = generate(readFacts(ROOT));
  const folder = new URL('src/connection/generated/', ROOT);
  assert.equal(readdirSync(folder).sort(), [...files.keys()].sort());
  for (const [name, text] of files) assert.is(readFileSync(new URL(name, folder), 'utf8'), text, name);
});

test('every procedure of the remote, the qemu and the admin program is in the table, every type has a codec', () => {
  const { programs } = readFacts(ROOT).protocol;
  for (const [program, prefix] of [
    ['remote', ''],
    ['qemu', 'QEMU_'],
    ['admin', 'ADMIN_'],
  ] as const) {
    for (const fact of programs[program]?.procedures ?? []) {
      if (fact.kind === 'event') continue;
      const procedure = procedureOf(`${prefix}${fact.name}` as keyof typeof PROCEDURES);
      assert.is(procedure.number, fact.n);
      assert.is(procedure.priority, fact.prio === 'high' ? 'high' : 'low');
      assert.is(procedure.needs !== undefined, fact.fds !== undefined || fact.stream !== undefined, fact.name);
    }
  }
  assert.is(Object.keys(PROCEDURES).length, 453 - 53 + 7 - 1 + 19);
  for (const name of Object.keys(STRUCTS)) assert.ok(codecOf(name).size > 0, name);
  for (const [, , , , fields] of Object.values(EVENTS)) structCodec(fields);
});

test('the 28 domain events and those of the other classes are there', () => {
  const classes = Object.values(EVENTS).map(([eventClass]) => eventClass);
  assert.is(classes.filter((name) => name === 'domain').length, 28);
  for (const name of ['network', 'storagePool', 'nodeDevice', 'secret']) {
    assert.is(classes.filter((other) => other === name).length, 2, name);
  }
  assert.is(EVENTS.QEMU_MONITOR[0], 'qemuMonitor');
});

test('constants have the values of the headers', () => {
  assert.is(constants.VIR_DOMAIN_AFFECT_LIVE, 1);
  assert.is(constants.VIR_DOMAIN_AFFECT_CONFIG, 2);
  assert.is(constants.VIR_DOMAIN_XML_SECURE | constants.VIR_DOMAIN_XML_INACTIVE, 3);
  assert.is(constants.VIR_DOMAIN_MEMORY_PARAM_UNLIMITED, Number.MAX_SAFE_INTEGER);
  assert.is(constants.VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME, 'group_name');
});

test('what the connection does itself is in the protocol', () => {
  for (const name of MANAGED_PROCEDURES) assert.ok(name in PROCEDURES, name);
});

test.run();
