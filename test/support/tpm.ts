import { existsSync, statSync } from 'node:fs';

/** Why no TPM can be made here; undefined when it can. libvirt runs swtpm_setup without TMPDIR, so it needs /tmp. */
export function tpmProblem(): string | undefined {
  if (!existsSync('/usr/bin/swtpm_setup')) return 'swtpm is not installed';
  return statSync('/tmp').mode & 0o002 ? undefined : 'swtpm_setup needs a /tmp that everybody may write to';
}
