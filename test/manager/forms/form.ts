/** A document as people and programs write it, and which machine it is for. */
export interface Form {
  /** What is peculiar about it. */
  readonly name: string;
  readonly machine?: 'q35' | 'pc';
  readonly devices?: string;
  /** What stands beside `<devices>`. */
  readonly rest?: string;
  readonly os?: string;
  readonly features?: string;
  readonly memory?: string;
  readonly vcpu?: string;
  readonly usb?: string;
  readonly balloon?: string;
  readonly uuid?: string;
  /** The root element's further attributes. */
  readonly root?: string;
  /** What stands before the root element. */
  readonly head?: string;
  /** Why QEMU does not start it here: planned towards while shut off only. */
  readonly cold?: string;
  /** First libvirt known to refuse its definition, and the code that it says. */
  readonly refused?: { readonly since: string; readonly code: string };
  /** Why `pending()` of its running guest is not empty. */
  readonly pending?: string;
  /** First libvirt known to leave nothing pending of it. */
  readonly settledSince?: string;
  /** It is worth a start where the rest of its table is not. */
  readonly warm?: true;
}

const NO_USB = "<controller type='usb' model='none'/>";
const PORTS = `<controller type='pci' index='0' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(8)}`;

/** The document of a form under a name of its own: small, and with nothing that the form does not ask for. */
export function documentOf(form: Form, name: string): string {
  const { machine = 'q35', devices = '', rest = '', os = '', features = '<acpi/><apic/>', uuid = '' } = form;
  const memory = form.memory ?? "<memory unit='MiB'>64</memory>";
  const { vcpu = '<vcpu>1</vcpu>', usb = NO_USB, balloon = "<memballoon model='none'/>" } = form;
  const pci = machine === 'q35' ? PORTS : '';
  return `${form.head ?? ''}<domain type='qemu'${form.root ?? ''}><name>${name}</name>${uuid}${memory}${vcpu}<os><type arch='x86_64' machine='${machine}'>hvm</type>${os}</os>${features === '' ? '' : `<features>${features}</features>`}${rest}<devices>${pci}${usb}${balloon}${devices}</devices></domain>`;
}
