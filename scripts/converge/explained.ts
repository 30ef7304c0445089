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
    line: /^throws \w+: .*online non-hotpluggable vcpus need to be ordered prior to hotplugable vcpus/,
    desired: /^(move|own attach)$/,
    why: 'libvirt refuses the very document that it wrote of such vCPUs, so that no host can import it, and nothing can be attached for good',
  },
  {
    line: /shmem \S+ size: 0 → 4/,
    document: /<size( unit="(b|bytes|k|kib|KB|KiB)")?>/,
    why: 'a shmem of less than a MiB: libvirt writes 0, and reads that at the next change as its default of 4 MiB',
  },
  {
    line: /^(attach|refused) controller \w+1[ :]/,
    document: /<controller type="\w+">(<acpi [^>]*>)?<address type="pci" bus="(0x0)?1"/,
    why: 'the same of a controller that is told from others by that address',
  },
  {
    line: /^refused video pci 0000:01:/,
    document: /<video>.*<address type="pci"[^>]* bus="(0x0)?1"/,
    why: 'the same of a video card, which is known by its place alone',
  },
  {
    line: /^update graphics \w+( #\d+)? \(config\): listen(\[\d\])?\//,
    desired: /^migratable/,
    document: /<listen type="address"\/><listen /,
    why: 'the migratable dump leaves out a display that does not listen, so that its second listen stands first',
  },
  {
    line: /^update graphics spice \(config\): @port -1 → \d+$/,
    desired: /after a define of its own/,
    document: /<graphics type="spice"[^>]* port="-1"/,
    why: 'a port of -1 without autoport: the dump of the running guest does not say that libvirt chose the port',
  },
  {
    line: /^throws LIBVIRT: (XML document failed to validate against schema|An error occurred, but the cause is unknown|internal error: Maximum supported number of ISA serial ports)/,
    desired: /^move$/,
    why: 'libvirt does not take the document that it wrote itself, by its schema or for no reason that it gives: no host can import it',
  },
  {
    line: /^refused domain: os\/nvram\/source\/seclabel(\[2\]\/|\/label\[2\])/,
    document: /<seclabel.*(<seclabel|<label>.*<label>)/,
    why: 'of two labels of one image without a model libvirt keeps the first',
  },
  {
    line: /^refused domain: (clock\/@basis: it is localtime|cpu\/numa\/cell\/@(memory|unit): |maxMemory(\/@unit)?: )|^set memory \(config\): currentMemory \d+ [KM]iB →/,
    desired: /^migratable.*(while it runs|once it has run)$/,
    document: /machine=['"]virt/,
    why: 'a migratable dump of a machine without PS/2 devices cannot be told from a definition, and says what was so while it ran',
  },
  {
    line: /^refused memory dimm 0: /,
    desired: /while it runs|once it has run/,
    document: /<size( unit="(b|bytes|k|kib|KB|KiB)")?>/,
    why: 'a module that is not whole MiB is rounded up at the start, and runs with another size than it is defined with',
  },
];
