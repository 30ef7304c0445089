import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DOCUMENTS, documentProblem, xmlIn } from '../../src/connection/documents.js';
import * as constants from '../../src/connection/generated/constants.js';
import { PROCEDURES } from '../../src/connection/generated/protocol-table.js';
import { RedefineGuard } from '../../src/connection/guard.js';
import { connect } from '../../src/connection/index.js';
import { callMigration } from '../../src/connection/migration-permit.js';
import type { AnyProcedure } from '../../src/connection/procedures.js';
import { DOM, FakeDaemon, failure, within } from './helpers.js';

const ALL = Object.keys(PROCEDURES) as AnyProcedure[];
const OF_DOMAINS = ALL.filter((name) => /^(QEMU_)?(CONNECT_)?DOMAIN_|^CONNECT_(COMPARE|BASELINE)/.test(name));
const fieldsOf = (name: AnyProcedure) =>
  PROCEDURES[name][4].split(' ').filter((each) => each !== '') as readonly string[];

/** Names of typed parameters that hold XML, by the first words of the constant: `VIR_MIGRATE` and the like. */
const XML_PARAMS = Object.entries(constants).filter(
  ([name, value]) => typeof value === 'string' && /_PARAM_\w*XML$/.test(name),
) as Array<[string, string]>;
/** A family of procedures by the words of a constant's name. */
const PARAMS_OF: Readonly<Record<string, RegExp>> = {
  VIR_MIGRATE_PARAM: /^DOMAIN_MIGRATE_/,
  VIR_DOMAIN_SAVE_PARAM: /^DOMAIN_(SAVE|RESTORE)_/,
};

const familyOf = (constant: string) => PARAMS_OF[constant.replace(/(_PARAM)_.*/, '$1')];

/** What the protocol says of a procedure's arguments, read apart from the table of verdicts. */
function looksLikeADocument(name: AnyProcedure): boolean {
  return fieldsOf(name).some((field) => {
    const [word = '', type = ''] = field.split(':');
    if (/xml/i.test(word) && /string/.test(type)) return true;
    if (/cookie/.test(word) && /opaque/.test(type)) return true;
    return word === 'params' && XML_PARAMS.some(([each]) => familyOf(each)?.test(name));
  });
}

/** What hands a document over without an argument that looks so, and why. */
const HIDDEN: Partial<Record<AnyProcedure, string>> = {
  DOMAIN_REVERT_TO_SNAPSHOT: 'the snapshot holds the document',
  DOMAIN_MIGRATE_PREPARE: 'version 1 of the protocol sent it beside the call',
};

test('the constants of every typed parameter with XML are of a family that is known here', () => {
  assert.equal(XML_PARAMS.map(([, value]) => value).sort(), ['destination_xml', 'dxml', 'persistent_xml']);
  for (const [name] of XML_PARAMS) assert.ok(familyOf(name), name);
});

test('every procedure about domains whose arguments can hold a document has a verdict, and no other', () => {
  const found = OF_DOMAINS.filter(looksLikeADocument);
  assert.ok(found.length > 30, `${found.length} were found`);
  for (const name of found) assert.ok(name in DOCUMENTS, `${name} can hold a document, and nothing says what of it`);
  for (const [name, row] of Object.entries(DOCUMENTS)) {
    assert.ok(found.includes(name as AnyProcedure) || name in HIDDEN, `${name} cannot hold a document`);
    assert.ok(row.why.length > 20, name);
  }
});

/** Arguments of a procedure, each field with a value, with XML or without where it may be left out. */
function argumentsOf(name: AnyProcedure, xml: boolean): object {
  return Object.fromEntries(
    fieldsOf(name).map((field) => {
      const [word = '', type = ''] = field.split(':');
      const optional = type.endsWith('?') || word === 'params';
      if (word === 'params')
        return [
          word,
          xml ? XML_PARAMS.map(([, each]) => ({ field: each, value: { type: 7, value: '<domain/>' } })) : [],
        ];
      if (/^remote_nonnull_domain$/.test(type)) return [word, DOM];
      if (/opaque/.test(type)) return [word, new Uint8Array(xml ? [1] : [])];
      if (/string/.test(type)) return [word, optional && !(xml && /xml/i.test(word)) ? null : '<domain/>'];
      return [word, 0];
    }),
  );
}

/** What may be called without a document, and is refused with one. */
const ONLY_WITH = ['DOMAIN_SAVE_FLAGS', 'DOMAIN_SAVE_PARAMS', 'DOMAIN_RESTORE_FLAGS', 'DOMAIN_RESTORE_PARAMS'];
/** What changes a domain by one device or disk, or no domain at all. */
const FREE =
  /^DOMAIN_(ATTACH|DETACH|UPDATE)_DEVICE(_FLAGS)?$|^DOMAIN_(BLOCK_COPY|BACKUP_BEGIN|CHECKPOINT_CREATE_XML|SNAPSHOT_CREATE_XML)$|^CONNECT_/;

test('each is refused with a document, and let through without where it can be, by a guard that refuses', () => {
  for (const name of OF_DOMAINS.filter((each) => looksLikeADocument(each) || each in HIDDEN)) {
    const [bare, loaded] = [false, true].map((xml) => {
      try {
        new RedefineGuard('refuse').check(name, argumentsOf(name, xml));
        return 'sent';
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    assert.is(loaded, FREE.test(name) ? 'sent' : 'REDEFINE_REFUSED', `${name} with a document`);
    assert.is(bare, FREE.test(name) || ONLY_WITH.includes(name) ? 'sent' : 'REDEFINE_REFUSED', `${name} without`);
    if (!name.startsWith('DOMAIN_MIGRATE_PERFORM3')) new RedefineGuard('allow').check(name, argumentsOf(name, true));
  }
});

test('what no row knows is refused when its arguments hold XML: a procedure of a newer libvirt is not forgotten', () => {
  const newer = 'DOMAIN_BECOME_XML' as AnyProcedure;
  assert.match(documentProblem(newer, { dom: DOM, dxml: '<domain/>' }) ?? '', 'nobody has judged it');
  assert.match(documentProblem(newer, { params: [{ field: 'new_xml', value: {} }] }) ?? '', 'params.new_xml');
  assert.is(documentProblem(newer, { dom: DOM, dxml: null }), undefined);
  assert.is(documentProblem('NETWORK_DEFINE_XML', { xml: '<network/>' }), undefined);
  assert.is(xmlIn({ params: [{ field: 'bandwidth' }], flags: 1 }), undefined);
});

test('a snapshot is refused with REDEFINE alone', () => {
  assert.is(documentProblem('DOMAIN_SNAPSHOT_CREATE_XML', { xml_desc: '<domainsnapshot/>', flags: 16 }), undefined);
  assert.match(
    documentProblem('DOMAIN_SNAPSHOT_CREATE_XML', { xml_desc: '<domainsnapshot/>', flags: 17 }) ?? '',
    'REDEFINE',
  );
});

test('over a connection: nothing is sent, and the migration room has its own way', async () => {
  await using daemon = await FakeDaemon.start({ DOMAIN_MIGRATE_CONFIRM3_PARAMS: () => ({}) });
  await using connection = await connect(daemon.uri);
  const count = daemon.calls.length;
  const confirm = { dom: DOM, params: [], cookie_in: new Uint8Array(), flags: 0, cancelled: 0 };
  for (const attempt of [
    connection.call('DOMAIN_MANAGED_SAVE_DEFINE_XML', { dom: DOM, dxml: '<domain/>', flags: 0 }),
    connection.call('DOMAIN_SAVE_IMAGE_DEFINE_XML', { file: '/f', dxml: '<domain/>', flags: 0 }),
    connection.call('DOMAIN_RESTORE_FLAGS', { from: '/f', dxml: '<domain/>', flags: 0 }),
    connection.call('DOMAIN_MIGRATE_CONFIRM3_PARAMS', confirm),
  ])
    assert.match((await failure(attempt, 'REDEFINE_REFUSED')).message, /redefine: 'allow'/);
  assert.is(daemon.calls.length, count);
  await within(callMigration(connection, 'DOMAIN_MIGRATE_CONFIRM3_PARAMS', confirm));
  assert.is(daemon.calls.length, count + 1);
});

test('a managed Perform with an empty cookie crashes the daemon, and is refused by every way', async () => {
  const perform = { dom: DOM, dconnuri: null, params: [], cookie_in: new Uint8Array(), flags: 0 };
  await using daemon = await FakeDaemon.start();
  await using connection = await connect(daemon.uri, { redefine: 'allow' });
  await failure(connection.call('DOMAIN_MIGRATE_PERFORM3_PARAMS', perform), 'REDEFINE_REFUSED');
  await failure(callMigration(connection, 'DOMAIN_MIGRATE_PERFORM3_PARAMS', perform), 'REDEFINE_REFUSED');
});

test.run();
