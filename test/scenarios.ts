/**
 * The scenarios of libvirt's own testers (libvirt-tck, tp-libvirt) and of the library that need no more than one host
 * and a small guest, and the tests that hold the library to each.
 */

/** `T0` nothing but documents, `T1` a daemon, `T2` a daemon with QEMU, `T3` a guest that answers. */
export type Tier = 'T0' | 'T1' | 'T2' | 'T3';

/** A test: its file below test/, and words of its title or, for what a table drives, of the table. */
export type Proof = readonly [file: string, words: string];

export interface Scenario {
  readonly tier: Tier;
  /** What it is about, in a few words. */
  readonly about: string;
  /** The tests whose title names the id need not be listed. */
  readonly proofs?: readonly Proof[];
  /** What of it is not shown here, and why. */
  readonly except?: string;
}

const NO_SCOPE = 'settings have no scope: each goes into both documents, where the running guest can take it';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  S1: { tier: 'T2', about: 'attach to the running guest alone' },
  S2: { tier: 'T2', about: 'attach to the canonical document alone' },
  S3: { tier: 'T2', about: 'attach to both in one call' },
  S4: { tier: 'T2', about: 'no scope silently means live' },
  S5: { tier: 'T2', about: 'shut off: live and both are refused before any call' },
  S6: { tier: 'T2', about: 'shut off: config is there at the first start' },
  S7: { tier: 'T2', about: 'a paused domain is as a running one' },
  S8: { tier: 'T2', about: 'a transient domain takes live changes only' },
  S11: { tier: 'T2', about: 'media change in each scope' },
  S12: { tier: 'T2', about: 'link state of a running NIC in each scope' },
  S13: { tier: 'T2', about: 'link state of a NIC that is off' },
  S14: { tier: 'T3', about: 'each scope now and after a power cycle, in the guest' },

  A1: { tier: 'T2', about: 'NICs stay put when one before them goes' },
  A2: { tier: 'T2', about: "libvirt's own order of disks" },
  A3: { tier: 'T2', about: 'an explicit address' },
  A4: { tier: 'T2', about: 'one address in both documents' },
  A6: { tier: 'T2', about: 'one device too many' },
  A7: { tier: 'T2', about: "a port with hotplug='off'" },
  A8: { tier: 'T2', about: 'a conventional PCI card' },
  A10: { tier: 'T2', about: 'slots that a bridge does not have' },
  A11: { tier: 'T2', about: 'a place that libvirt moves' },
  A12: { tier: 'T2', about: 'gaps between controllers' },
  A13: { tier: 'T2', about: 'user aliases' },
  A14: { tier: 'T2', about: 'a generated MAC' },
  A16: { tier: 'T2', about: 'slot and base of memory modules' },
  A17: { tier: 'T2', about: 'functions of one slot' },
  A19: { tier: 'T1', about: 'the UUID is never a remembered one' },
  A20: { tier: 'T1', about: 'a taken name or UUID' },

  U1: { tier: 'T3', about: 'link state of every model' },
  U2: {
    tier: 'T2',
    about: 'another bridge or network',
    proofs: [['matrix/cases/interface.ts', "{ bridge: 'br1' }"]],
    except: 'networks and macvtap need a network daemon and device nodes: those rows are read from the source',
  },
  U3: { tier: 'T2', about: 'what cannot change live' },
  U6: {
    tier: 'T2',
    about: 'how a device to detach is named',
    except:
      'a selector is one name, and that of a NIC is its alias, id or MAC, not its place: type and place cannot disagree',
  },
  U8: { tier: 'T2', about: 'the alias of a CD-ROM' },
  U9: { tier: 'T2', about: 'boot order, live' },
  U10: { tier: 'T2', about: 'the I/O thread of a disk, live' },
  U11: { tier: 'T2', about: 'media changed, ejected, inserted' },
  U12: {
    tier: 'T2',
    about: 'media × state × scope',
    except: 'a locked tray is not forced: DEVICE_MODIFY_FORCE is reached by connection.call',
  },
  U13: { tier: 'T3', about: 'requested size of a virtio-mem' },
  U14: { tier: 'T2', about: 'a boot order that is taken, none, or where <os> has it' },
  U15: { tier: 'T2', about: 'a free boot order' },
  U16: { tier: 'T2', about: 'an update with what is there' },

  D1: { tier: 'T3', about: 'a disk in and out' },
  D2: { tier: 'T3', about: 'a NIC in and out' },
  D6: { tier: 'T2', about: 'nobody listens to an unplug' },
  D7: { tier: 'T3', about: 'a memory module that the guest refuses' },
  D8: { tier: 'T3', about: 'a memory module that the guest lets go' },
  D10: {
    tier: 'T3',
    about: 'a watchdog in and out',
    proofs: [['matrix/cases/watchdog.ts', 'i6300esb']],
    except:
      'seen in both documents and by QEMU, not by a guest: an emulated one is busy with the PCI bridge for a minute',
  },
  D11: { tier: 'T2', about: 'IDE, SATA and floppy disks' },
  D13: { tier: 'T2', about: '32 NICs' },
  D14: {
    tier: 'T3',
    about: 'serial ports and channels',
    proofs: [['matrix/cases/serial.ts', "attach('pci'"]],
    except: 'serial ports: seen in both documents and by QEMU, not by a guest',
  },
  D15: {
    tier: 'T3',
    about: 'processors',
    except: `none is unplugged: QEMU 7.2 falls over after it when it emulates; ${NO_SCOPE}`,
  },
  D16: { tier: 'T3', about: 'tablet, mouse and keyboard together' },

  R2: { tier: 'T2', about: 'a restart of the daemon' },
  R3: { tier: 'T2', about: 'save and restore' },
  R4: { tier: 'T2', about: 'link state over both' },
  R5: { tier: 'T2', about: 'a managed-save image' },
  R7: { tier: 'T2', about: 'a disk attached after a snapshot' },
  R8: { tier: 'T2', about: 'rename' },
  R10: { tier: 'T1', about: 'autostart' },
  R11: { tier: 'T2', about: 'somebody else between plan and apply' },
  R12: { tier: 'T3', about: 'memory modules over suspend, save, restart, reboot' },

  M1: { tier: 'T2', about: 'memory', except: NO_SCOPE },
  M3: {
    tier: 'T2',
    about: 'disk I/O limits',
    proofs: [
      ['matrix/cases/settings.ts', "setting: 'iotune'"],
      ['matrix/cases/settings.ts', 'total and read together'],
    ],
  },
  M4: {
    tier: 'T2',
    about: 'NIC bandwidth',
    proofs: [['matrix/cases/settings.ts', "setting: 'bandwidth'"]],
  },
  M5: { tier: 'T2', about: 'I/O threads', proofs: [['matrix/cases/settings.ts', "setting: 'iothreads'"]] },
  M6: { tier: 'T1', about: 'metadata' },
  M7: { tier: 'T1', about: 'what needs a running domain, on one that is off' },

  L1: {
    tier: 'T0',
    about: 'parse and serialise token by token',
    proofs: [['xml/parse.test.ts', 'parse and serialise keep every token of real documents']],
    except: "all of libvirt's own files: `npm run corpus`, whose tree is not in this repository",
  },
  L4: {
    tier: 'T0',
    about: 'random sequences of operations',
    proofs: [
      ['plan/towards-fuzz.test.ts', 'any desired state after any other is reached by its plan alone'],
      ['property/addresses.serial.test.ts', 'no address moves over random changes and reboots'],
    ],
  },
  L5: {
    tier: 'T0',
    about: 'a plan as JSON and back',
    proofs: [
      ['plan/json.test.ts', 'whatever is planned comes back from JSON as it was'],
      ['plan/json.test.ts', 'another format is refused'],
    ],
  },
  L6: {
    tier: 'T0',
    about: 'XML that is refused with line and column',
    proofs: [
      ['xml/parse.test.ts', 'a DOCTYPE or an entity is forbidden, wherever it stands, with line and column'],
      ['xml/parse.test.ts', 'malformed XML is refused with line and column'],
      ['xml/parse.test.ts', 'nesting is limited'],
    ],
  },
  L7: {
    tier: 'T0',
    about: 'secrets in plans, logs and errors',
    proofs: [
      ['plan/planner.test.ts', 'the plan as data: all of it, and never a secret'],
      ['plan/planner.test.ts', 'an error never holds a secret of either document'],
      ['power/log.test.ts', 'no secret is in the error, in its cause or in the log'],
    ],
  },
  L8: {
    tier: 'T1',
    about: 'an abort in the middle of a wait',
    proofs: [
      ['manager/apply.test.ts', 'a signal ends the wait for the guest at once'],
      ['connection/rpc.test.ts', 'an abort tells whether the call was sent'],
    ],
  },
  L9: {
    tier: 'T1',
    about: 'the daemon goes away in the middle of an apply',
    proofs: [['faults/sweep-suite.ts', 'every fault at every call of an apply']],
  },
};
