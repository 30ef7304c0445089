import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';

/** A database of users for a daemon of the suite's own, by the distribution's SASL. */
export interface SaslDatabase {
  /** What the daemon's environment needs to find it. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** `users`: user name → password, in the realm `test`. */
export function saslDatabase(mechanisms: string, users: Readonly<Record<string, string>>): SaslDatabase {
  const directory = mkdtempSync(join(tmpdir(), 'lvc-sasl-'));
  chmodSync(directory, 0o755);
  const database = join(directory, 'db');
  const config = {
    mech_list: mechanisms,
    pwcheck_method: 'auxprop',
    auxprop_plugin: 'sasldb',
    sasldb_path: database,
  };
  const lines = Object.entries(config).map(([key, value]) => `${key}: ${value}\n`);
  writeFileSync(join(directory, 'libvirt.conf'), lines.join(''));
  for (const [user, password] of Object.entries(users)) {
    const args = ['-p', '-c', '-a', 'libvirt', '-u', 'test', '-f', database, user];
    const { status, stderr } = spawnSync('saslpasswd2', args, { input: password, encoding: 'utf8' });
    assert.is(status, 0, stderr);
  }
  // The daemon's user is another one.
  chmodSync(database, 0o644);
  return { env: { SASL_CONF_PATH: directory }, remove: () => rmSync(directory, { recursive: true }) };
}
