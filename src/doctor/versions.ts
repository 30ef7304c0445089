import gte from 'semver/functions/gte.js';
import lt from 'semver/functions/lt.js';
import { type Found, found } from './finding.js';

/** A known fault of a release: from the first version that has it to the first that has not. */
export interface VersionFault {
  readonly of: 'libvirt' | 'QEMU';
  readonly from: string;
  readonly until: string;
  readonly problem: string;
  readonly source: string;
}

/** Faults that a program or an operator of this library meets. Only upstream versions can be compared. */
export const VERSION_FAULTS: readonly VersionFault[] = [
  {
    of: 'libvirt',
    from: '0.0.0',
    until: '10.2.0',
    problem: 'a call with a negative length of an array ends the daemon (CVE-2024-2494)',
    source: 'https://nvd.nist.gov/vuln/detail/CVE-2024-2494',
  },
  {
    of: 'libvirt',
    from: '1.0.0',
    until: '10.1.0',
    problem: 'listing host interfaces by state can end the daemon (CVE-2024-1441)',
    source: 'https://nvd.nist.gov/vuln/detail/CVE-2024-1441',
  },
  {
    of: 'libvirt',
    from: '8.3.0',
    until: '9.6.0',
    problem: 'looking for storage pools can lock the daemon up (CVE-2023-3750)',
    source: 'https://nvd.nist.gov/vuln/detail/CVE-2023-3750',
  },
  {
    of: 'libvirt',
    from: '10.4.0',
    until: '10.7.0',
    problem: 'listing host interfaces that are down ends the daemon (CVE-2024-8235)',
    source: 'https://nvd.nist.gov/vuln/detail/CVE-2024-8235',
  },
  {
    of: 'QEMU',
    from: '0.0.0',
    until: '9.1.0',
    problem:
      'a client that hangs up ends a QEMU that serves disks by NBD, as migrations with storage do (CVE-2024-7409)',
    source: 'https://nvd.nist.gov/vuln/detail/CVE-2024-7409',
  },
];

/** Known faults of the host's libvirt and QEMU. */
export function checkVersions(versions: { readonly libvirt: string; readonly QEMU: string }): Found[] {
  return VERSION_FAULTS.filter(({ of, from, until }) => {
    const version = versions[of];
    return version !== '0.0.0' && gte(version, from) && lt(version, until);
  }).map(({ of, until, problem, source }) =>
    found(
      'version-fault',
      `${of} ${versions[of]}: ${problem}`,
      `Use ${of} ${until} or newer, or a package that has it mended; see ${source}`,
    ),
  );
}
