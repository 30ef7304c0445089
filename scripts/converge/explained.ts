/** Plans that are right although the document is the very one that the domain was defined with, and why. */
export interface ExplainedRow {
  /** Lines of a plan; all of a document's lines must be explained for it to count as such. */
  readonly line: RegExp;
  /** Only for these documents: `itself`, `canonical`, `live` … */
  readonly desired?: RegExp;
  /** Only for documents that hold this. */
  readonly document?: RegExp;
  readonly why: string;
}

export const EXPLAINED: readonly ExplainedRow[] = [
  {
    line: /^refused shmem .*: size(\/@unit)?(, size)? would change/,
    document: /<size( unit="(b|bytes|k|kib|KB|KiB|MB)")?>/,
    why: 'libvirt writes the size of a shmem in whole MiB, rounded down: the definition that it keeps has another size',
  },
  {
    line: /^refused domain: cputune\/(cachetune|memorytune)(\[\d+\])?\//,
    document: /<(cachetune|memorytune) /,
    why: 'libvirt drops a cache or memory tune of vCPUs that the domain does not have: the plan says that it is not there',
  },
  {
    line: /address\/@bus would change/,
    document: /<address type="pci"[^>]* bus="(0x0)?1"/,
    why: 'a PCI address on a bus that the document does not list: libvirt builds buses and gives the device another address',
  },
  {
    line: /^throws LIBVIRT: .*online non-hotpluggable vcpus need to be ordered prior to hotplugable vcpus/,
    desired: /^move$/,
    why: 'libvirt refuses the very document that it wrote of such vCPUs, so that no host can import it',
  },
];
