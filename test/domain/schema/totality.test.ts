import { execFileSync } from 'node:child_process';
import gt from 'semver/functions/gt.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFINE_ONLY, defineOnlyRow } from '../../../src/domain/define-only.js';
import { ownerOf, owners } from './owners.js';
import { schemaPaths } from './schema.js';

const test = suite('every element of the schema has one owner');

const DEPTH = 5;
const paths = schemaPaths(DEPTH);
const elements = [...paths].filter((path) => !path.includes('@') && path !== 'devices');
const installed = /\d+\.\d+\.\d+/.exec(execFileSync('libvirtd', ['--version'], { encoding: 'utf8' }))?.[0] ?? '0.0.0';

test('the schema was read', () => {
  for (const path of ['vcpu/@cpuset', 'cputune/vcpupin', 'devices/disk/iotune/group_name', 'qemu:commandline/arg'])
    assert.ok(paths.has(path), path);
  assert.ok(elements.length > 700, `${elements.length} elements`);
});

test('none is unowned', () => {
  const rows = owners();
  assert.equal(
    elements.filter((path) => !ownerOf(path, rows)),
    [],
  );
});

test('none is owned twice', () => {
  const seen = new Map<string, string>();
  for (const { path, owner } of owners()) {
    assert.is(seen.get(path), undefined, `${path} is owned by ${seen.get(path)} and by ${owner}`);
    seen.set(path, owner);
  }
});

test('a part of a setting lies in no other one', () => {
  const rows = owners();
  for (const row of rows) {
    const above = row.path.slice(0, Math.max(row.path.lastIndexOf('/'), 0));
    const holder = above === '' || row.path.startsWith('devices/') ? undefined : ownerOf(above, rows);
    if (!holder || holder.owner === row.owner) continue;
    // An element that only holds parts (cputune) is named by one of them; anything else is whole.
    assert.ok(
      rows.some((each) => each.path === above),
      `${row.path} of ${row.owner} lies inside ${holder.path} of ${holder.owner}`,
    );
  }
});

test('no row is about something that libvirt does not have', () => {
  for (const { path, owner, since } of owners()) {
    if (paths.has(path)) continue;
    assert.ok(
      since !== undefined && gt(since, installed),
      `${path} of ${owner} is not in the schema of libvirt ${installed}`,
    );
  }
});

test('negative control: without a row its elements are unowned', () => {
  const rows = owners();
  for (const gone of rows) {
    if (!paths.has(gone.path) || gone.path.includes('@')) continue;
    const rest = rows.filter((each) => each !== gone);
    const left = ownerOf(gone.path, rest);
    // A part of a device that a setting owns falls back to the device's kind, and the first part below a holder to it.
    const only = !rest.some((each) => each.path.startsWith(`${gone.path.replace(/\/[^/]+$/, '')}/`));
    const inDevice = gone.path.startsWith('devices/') && gone.path.split('/').length > 2;
    if (inDevice) assert.is(left?.path, gone.path.split('/').slice(0, 2).join('/'));
    else if (!only) assert.is(left, undefined, `${gone.path} without its row`);
  }
});

test('a define-only row has a reason, and is found from below', () => {
  for (const { path, reason, partial } of DEFINE_ONLY) {
    assert.ok(reason.length > 10, path);
    assert.ok(partial === undefined || partial.length > 10, path);
    assert.is(defineOnlyRow(path.includes('@') ? path : `${path}/below`)?.path, path);
  }
  assert.is(defineOnlyRow('vcpu'), undefined);
  assert.is(defineOnlyRow('cpu/topology/@sockets')?.path, 'cpu');
});

test.run();
