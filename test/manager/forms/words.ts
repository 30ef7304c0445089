import type { Form } from './form.js';

const XHCI = "<controller type='usb' model='qemu-xhci'/>";
const nic = (inside: string, type = 'user') =>
  `<interface type='${type}'><mac address='52:54:00:00:00:01'/><model type='virtio'/>${inside}</interface>`;
const net = (inside: string) => nic(`<source network='none'/>${inside}`, 'network');
const NO_NETWORK = 'there is no such network';
const disk = (inside: string, source = "<source file='/dev/null'/>") =>
  `<disk type='file' device='disk'>${source}<target dev='vda' bus='virtio'/>${inside}</disk>`;
const IMAGE = 'the image is no file of the host’s';
const NO_CGROUPS = 'no control groups';
const spice = (inside: string) =>
  `<graphics type='spice' autoport='yes'>${inside}</graphics><video><model type='vga'/></video>`;
const NO_SPICE = 'this QEMU may be without SPICE';

/** What is said and not written, or written in other words, in another order, or as another amount. */
export const WORDS: readonly Form[] = [
  ...['none', 'emulate'].map((mode) => ({ name: `SMBIOS ${mode}`, os: `<smbios mode='${mode}'/>` })),
  { name: 'boot menu off', os: "<bootmenu enable='no'/>" },
  { name: 'BIOS settings', os: "<bios useserial='no' rebootTimeout='0'/>" },
  { name: 'boot devices', os: "<boot dev='cdrom'/><boot dev='hd'/>" },
  { name: 'loader of nothing', os: '<cmdline></cmdline>' },
  { name: 'empty kernel', os: '<kernel></kernel><initrd/>' },
  { name: 'one queue', devices: nic("<driver name='vhost' queues='1'/>") },
  { name: 'one queue and no name', devices: nic("<driver queues='1'/>") },
  { name: 'no queues', devices: nic("<driver queues='0'/>") },
  { name: 'empty driver', devices: nic('<driver/>') },
  { name: 'empty bandwidth', devices: nic('<bandwidth/>') },
  {
    name: 'zero burst',
    devices: nic(
      "<bandwidth><inbound average='100' peak='0' burst='0'/><outbound average='100' burst='0'/></bandwidth>",
    ),
  },
  {
    name: 'zero floor',
    devices: nic("<bandwidth><inbound average='100' floor='0'/></bandwidth>"),
    refused: { since: '11.3.0', code: 'VIR_ERR_CONFIG_UNSUPPORTED' },
  },
  { name: 'VLAN without trunk', devices: net("<vlan trunk='no'><tag id='42'/></vlan>"), cold: NO_NETWORK },
  { name: 'VLAN trunk', devices: net("<vlan trunk='yes'><tag id='42'/><tag id='43'/></vlan>"), cold: NO_NETWORK },
  { name: 'VLAN tags make a trunk', devices: net("<vlan><tag id='42'/><tag id='43'/></vlan>"), cold: NO_NETWORK },
  { name: 'coalescing of nothing', devices: nic('<coalesce><rx><frames/></rx></coalesce>') },
  ...['host-model', 'host-passthrough', 'maximum'].map(
    (mode): Form => ({
      name: `a CPU of ${mode} with a match`,
      rest: `<cpu mode='${mode}' match='exact'/>`,
      cold: 'it may need KVM',
    }),
  ),
  ...['host-passthrough', 'maximum'].map(
    (mode): Form => ({
      name: `a CPU of ${mode} beside a model and a vendor`,
      rest: `<cpu mode='${mode}'><model fallback='forbid' vendor_id='AuthenticAMD'>qemu64</model><vendor>Intel</vendor></cpu>`,
      cold: 'it may need KVM',
    }),
  ),
  {
    name: 'a label of an image with a type, which only the labels of a domain have',
    devices: disk('', "<source file='/dev/null'><seclabel model='dac' type='none' relabel='no'/></source>"),
    cold: 'there may be no such driver',
  },
  {
    name: 'a type of the source of a channel',
    devices:
      "<channel type='unix'><source type='unix' mode='bind' path='/tmp/converge.channel'/><target type='virtio' name='a'/></channel>",
  },
  {
    name: 'a balloon that is none, with an address',
    balloon: "<memballoon model='none'><address type='isa'/></memballoon>",
  },
  {
    name: 'a balloon that is none, with statistics',
    balloon: "<memballoon model='none'><alias name='ua-none'/><stats period='5'/></memballoon>",
  },
  {
    name: 'boot order of one of two redirected devices at one place, and a label of the other',
    usb: XHCI,
    devices:
      "<redirdev bus='usb' type='dev'><boot order='1'/><source path='/tmp/none'/></redirdev><redirdev bus='usb' type='dev'><source path='/tmp/none'><seclabel model='selinux' relabel='no'/></source></redirdev>",
    cold: 'there is no such device',
  },
  {
    name: 'a memory module in bytes, which is rounded up',
    rest: "<maxMemory slots='4' unit='MiB'>1024</maxMemory><cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>",
    devices: "<memory model='dimm'><target><size unit='b'>134217729</size><node>0</node></target></memory>",
  },
  {
    name: 'no USB, at an address',
    usb: "<controller type='usb' model='none'><address type='virtio-serial' controller='0' port='2'/></controller>",
  },
  {
    name: 'two redirected devices on a bus whose port is left open',
    usb: XHCI,
    devices: "<redirdev bus='usb' type='null'><address type='usb' bus='0'/></redirdev>".repeat(2),
  },
  ...['network', 'bridge', 'direct', 'ethernet', 'server'].map(
    (type): Form => ({
      name: `what other types have as a source: ${type}`,
      devices: nic(
        "<source network='none' portgroup='a' bridge='br0' macTableManager='libvirt' dev='lo' mode='vepa' name='a' path='/tmp/a' type='unix' address='127.0.0.1' port='4005'/>",
        type,
      ),
      cold: 'there is no such network, bridge or right to one',
    }),
  ),
  {
    name: 'source of another type without a MAC',
    devices: "<interface type='bridge'><source bridge='br0' network='none'/></interface>",
    cold: 'there is no such bridge',
  },
  {
    name: 'a card of the host that is missing and has other functions',
    devices: nic(
      "<source missing='yes'><address type='pci' domain='0' bus='4' slot='5' function='0' multifunction='on'/></source>",
      'hostdev',
    ),
    cold: 'there is no such card',
  },
  {
    name: 'a device of the host that is missing and has other functions',
    devices:
      "<hostdev mode='subsystem' type='pci'><source missing='yes'><address type='pci' domain='0' bus='4' slot='5' function='1' multifunction='off'/></source></hostdev>",
    cold: 'there is no such device',
  },
  { name: 'MTU of nothing', devices: nic("<mtu size='0'/>") },
  { name: 'script of nothing', devices: nic("<script path=''/>") },
  { name: 'filter of nothing', devices: nic('<filterref/>') },
  { name: 'port that is not isolated', devices: net("<port isolated='no'/>"), cold: NO_NETWORK },
  { name: 'no trust', devices: net('').replace("'network'>", "'network' trustGuestRxFilters='no'>"), cold: NO_NETWORK },
  { name: 'no teaming', devices: nic("<teaming type='persistent'/><alias name='ua-t'/>") },
  { name: 'guest and host ends', devices: nic("<guest dev='eth0'/>") },
  { name: 'empty target', devices: nic("<target dev=''/>") },
  { name: 'ROM bar', devices: nic("<rom bar='on'/>") },
  { name: 'ROM file of nothing', devices: nic("<rom bar='off' file=''/>") },
  { name: 'IP of the guest', devices: nic("<ip family='ipv4' address='172.17.2.0' prefix='24'/>") },
  { name: 'IP without a family', devices: nic("<ip address='172.17.2.0'/>") },
  { name: 'limits of zero', devices: disk('<iotune><total_bytes_sec>0</total_bytes_sec></iotune>'), cold: IMAGE },
  { name: 'empty limits', devices: disk('<iotune/>'), cold: IMAGE },
  {
    name: 'limits of one kind',
    devices: disk('<iotune><read_iops_sec>10</read_iops_sec><write_iops_sec>0</write_iops_sec></iotune>'),
    cold: IMAGE,
  },
  { name: 'empty serial number', devices: disk('<serial></serial>'), cold: IMAGE },
  { name: 'serial number with spaces', devices: disk('<serial> WD 1 </serial>'), cold: IMAGE },
  {
    name: 'empty WWN and vendor',
    devices: disk('<vendor>a</vendor>').replace("bus='virtio'", "bus='scsi'").replace('vda', 'sda'),
    cold: IMAGE,
  },
  {
    name: 'driver words of libvirt’s defaults',
    devices: disk(
      "<driver name='qemu' type='raw' cache='default' io='threads' copy_on_read='off' error_policy='stop'/>",
    ),
    cold: IMAGE,
  },
  { name: 'driver without a type', devices: disk("<driver name='qemu'/>"), cold: IMAGE },
  { name: 'driver without words', devices: disk('<driver/>'), cold: IMAGE },
  { name: 'empty backing store', devices: disk('<backingStore/>'), cold: IMAGE },
  { name: 'block sizes', devices: disk("<blockio logical_block_size='512' physical_block_size='0'/>"), cold: IMAGE },
  { name: 'snapshot word', devices: disk('').replace("device='disk'", "device='disk' snapshot='no'"), cold: IMAGE },
  { name: 'startup policy', devices: disk('', "<source file='/dev/null' startupPolicy='mandatory'/>"), cold: IMAGE },
  {
    name: 'removable off',
    devices:
      "<disk type='file' device='disk'><source file='/dev/null'/><target dev='sda' bus='usb' removable='off'/></disk>",
    usb: XHCI,
    cold: IMAGE,
  },
  {
    name: 'removable left out',
    devices: "<disk type='file' device='disk'><source file='/dev/null'/><target dev='sda' bus='usb'/></disk>",
    usb: XHCI,
    cold: IMAGE,
  },
  { name: 'boot order in zeros', devices: disk("<boot order='01'/>"), cold: IMAGE },
  {
    name: 'network disk with a default port',
    devices:
      "<disk type='network' device='disk'><source protocol='rbd' name='p/i'><host name='a'/><host name='b' port='6789'/></source><target dev='vda' bus='virtio'/></disk>",
    cold: IMAGE,
  },
  {
    name: 'network disk by nbd',
    devices:
      "<disk type='network' device='disk'><source protocol='nbd'><host name='a' transport='tcp'/></source><target dev='vda' bus='virtio'/></disk>",
    cold: IMAGE,
  },
  {
    name: 'network disk by https',
    devices:
      "<disk type='network' device='cdrom'><source protocol='https' name='/a.iso'><host name='a'/></source><target dev='sda' bus='sata'/></disk>",
    cold: IMAGE,
  },
  {
    name: 'NVMe disk',
    devices:
      "<disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source><target dev='vda' bus='virtio'/></disk>",
    cold: IMAGE,
  },
  { name: 'sleep states left out', rest: '<pm/>' },
  { name: 'sleep states', rest: "<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>" },
  { name: 'sleep states by halves', rest: "<pm><suspend-to-mem enabled='yes'/><suspend-to-disk/></pm>" },
  ...[
    'memtune',
    'blkiotune',
    'cputune',
    'numatune',
    'memoryBacking',
    'perf',
    'metadata',
    'clock',
    'cpu',
    'iothreadids',
    'vcpus',
    'title',
    'description',
    'idmap',
    'bootloader',
  ].map((element) => ({
    name: `empty ${element}`,
    rest: `<${element}/>`,
    ...(element === 'resource' ? { cold: NO_CGROUPS } : {}),
  })),
  { name: 'empty features', features: '' },
  { name: 'empty genid', rest: '<genid/>' },
  { name: 'genid in capitals', rest: '<genid>43DC0CF8-809B-4ADB-9BEA-A9ABB5F3D90E</genid>' },
  { name: 'features off', features: "<acpi/><apic/><pae/><vmport state='off'/><hap state='off'/><pmu state='off'/>" },
  { name: 'features without a state', features: '<acpi/><apic eoi="on"/><vmport/><pmu/><hap/>' },
  {
    name: 'Hyper-V features',
    features:
      "<acpi/><apic/><hyperv><relaxed state='on'/><vapic state='off'/><spinlocks state='on' retries='8191'/></hyperv>",
    rest: "<clock offset='localtime'/>",
  },
  { name: 'Hyper-V by mode', features: "<acpi/><apic/><hyperv mode='custom'><relaxed state='on'/></hyperv>" },
  { name: 'empty Hyper-V', features: '<acpi/><apic/><hyperv/>' },
  { name: 'KVM features', features: "<acpi/><apic/><kvm><hidden state='off'/></kvm>" },
  { name: 'empty KVM', features: '<acpi/><apic/><kvm/>' },
  { name: 'SMM', features: '<acpi/><apic/><smm/>' },
  { name: 'ioapic', features: "<acpi/><apic/><ioapic driver='kvm'/>" },
  { name: 'no IOThreads', rest: '<iothreads>0</iothreads>' },
  {
    name: 'IOThreads said twice',
    rest: "<iothreads>2</iothreads><iothreadids><iothread id='1'/><iothread id='2'/></iothreadids>",
  },
  {
    name: 'fewer IOThread ids than IOThreads',
    rest: "<iothreads>3</iothreads><iothreadids><iothread id='5'/></iothreadids>",
  },
  {
    name: 'lifecycle',
    rest: '<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>',
  },
  { name: 'clock', rest: "<clock offset='utc'/>" },
  { name: 'clock in capitals', rest: "<clock offset='variable' adjustment='0' basis='utc'/>" },
  { name: 'clock of a time zone', rest: "<clock offset='timezone' timezone='Europe/Berlin'/>" },
  { name: 'clock adjusted', rest: "<clock offset='utc' adjustment='reset'/>" },
  {
    name: 'timers',
    rest: "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/><timer name='pit' tickpolicy='delay'/></clock>",
  },
  { name: 'memory of 1 GB', memory: "<memory unit='GB'>1</memory>", cold: 'it is much' },
  { name: 'memory in bytes', warm: true, memory: "<memory unit='b'>67108865</memory>" },
  { name: 'memory in bytes, spelled', memory: "<memory unit='bytes'>67108864</memory>" },
  {
    name: 'current 50 MB of 100 MB',
    warm: true,
    memory: "<memory unit='MB'>100</memory><currentMemory unit='MB'>50</currentMemory>",
  },
  {
    name: 'current above the maximum',
    memory: "<memory unit='MiB'>64</memory><currentMemory unit='MiB'>96</currentMemory>",
  },
  { name: 'current of nothing', memory: "<memory unit='MiB'>64</memory><currentMemory>0</currentMemory>" },
  {
    name: 'memory beside NUMA cells',
    memory: "<memory unit='MiB'>32</memory>",
    rest: "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>",
  },
  {
    name: 'memory above NUMA cells',
    memory: "<memory unit='MiB'>128</memory><currentMemory unit='MiB'>128</currentMemory>",
    rest: "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>",
  },
  {
    name: 'NUMA cells in amounts that do not come to KiB',
    warm: true,
    rest: "<cpu><numa><cell cpus='0' memory='64' unit='MB'/></numa></cpu>",
  },
  {
    name: 'NUMA cells in disorder',
    vcpu: '<vcpu>2</vcpu>',
    rest: "<cpu><numa><cell id='1' cpus='1' memory='32' unit='MiB'/><cell id='0' cpus='0' memory='32' unit='MiB'/></numa></cpu>",
  },
  {
    name: 'cirrus with another amount',
    machine: 'pc',
    devices: "<graphics type='vnc'/><video><model type='cirrus' vram='9216' heads='1'/></video>",
  },
  {
    name: 'VGA with an amount that is no power of two',
    devices: "<graphics type='vnc'/><video><model type='vga' vram='10000'/></video>",
  },
  {
    name: 'video of several heads',
    devices: "<graphics type='vnc'/><video><model type='virtio' heads='1'><acceleration accel3d='no'/></model></video>",
  },
  {
    name: 'video primary',
    devices:
      "<graphics type='vnc'/><video><model type='vga' primary='yes'/></video><video><model type='virtio' primary='no'/></video>",
  },
  {
    name: 'video primary comes second',
    devices:
      "<graphics type='vnc'/><video><model type='virtio' primary='no'/></video><video><model type='vga' primary='yes'/></video>",
  },
  { name: 'UUID without dashes', uuid: '<uuid>b6f0f9c3111142228333abcdefabcde0</uuid>' },
  { name: 'UUID in capitals', uuid: '<uuid>B6F0F9C3-1111-4222-8333-ABCDEFABCDE1</uuid>' },
  { name: 'pin of a vCPU that does not exist', rest: "<cputune><vcpupin vcpu='5' cpuset='0'/></cputune>" },
  {
    name: 'pins',
    vcpu: '<vcpu>2</vcpu>',
    rest: "<cputune><vcpupin vcpu='1' cpuset='0'/><vcpupin vcpu='0' cpuset='0,1'/><emulatorpin cpuset='0-1'/></cputune>",
  },
  {
    name: 'pins with exclusions',
    vcpu: '<vcpu>2</vcpu>',
    rest: "<cputune><vcpupin vcpu='0' cpuset='0-1,^1'/></cputune>",
  },
  { name: 'set of CPUs', vcpu: "<vcpu placement='static' cpuset='0,1' current='1'>2</vcpu>" },
  { name: 'placement', vcpu: "<vcpu placement='static'>1</vcpu>" },
  { name: 'vCPU current as the maximum', vcpu: "<vcpu current='2'>2</vcpu>" },
  {
    name: 'vCPUs listed',
    vcpu: "<vcpu current='1'>2</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/><vcpu id='1' enabled='no'/></vcpus>",
  },
  { name: 'NUMA placement', rest: "<numatune><memory mode='strict' nodeset='0'/></numatune>" },
  {
    name: 'limits of memory beyond measure',
    rest: "<memtune><hard_limit unit='KiB'>9007199254740991</hard_limit></memtune>",
    cold: NO_CGROUPS,
  },
  {
    name: 'tickets',
    rest: '<cputune><shares>1024</shares><period>100000</period><quota>-1</quota></cputune>',
    cold: NO_CGROUPS,
  },
  { name: 'carriage returns in a description', rest: '<description>a\r\nb&#13;\nc\td</description>' },
  { name: 'carriage returns in a title', rest: '<title>a b\t</title>' },
  { name: 'description with CDATA and entities', rest: '<description><![CDATA[a <b> ]]>&amp; c</description>' },
  { name: 'description of spaces', warm: true, rest: '<description>  </description>' },
  { name: 'byte order mark', head: '\uFEFF' },
  { name: 'declaration and comments', head: "<?xml version='1.0' encoding='UTF-8'?>\n<!-- c -->\n" },
  {
    name: 'metadata in a default namespace',
    warm: true,
    rest: "<metadata><vmtemplate xmlns='unraid' name='Linux' icon='l.png' os='l'/></metadata>",
  },
  {
    name: 'metadata in a default namespace with children',
    rest: "<metadata><kubevirt xmlns='http://kubevirt.io'><uid>a</uid><graceperiod><deletionGracePeriodSeconds>30</deletionGracePeriodSeconds></graceperiod></kubevirt></metadata>",
  },
  {
    name: 'metadata with a prefix',
    rest: "<metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:name>a</nova:name></nova:instance></metadata>",
  },
  {
    name: 'metadata with the prefix on the root',
    root: " xmlns:x='urn:x'",
    rest: "<metadata><x:a b='1'><x:c/>  text </x:a></metadata>",
  },
  {
    name: 'metadata with mixed namespaces',
    rest: "<metadata><a xmlns='urn:a' xmlns:b='urn:b' b:c='1'><b:d/><e xmlns='urn:e'/></a></metadata>",
  },
  { name: 'metadata without a namespace', rest: '<metadata><plain>a</plain></metadata>' },
  {
    name: 'two metadata elements of one namespace',
    rest: "<metadata><a:x xmlns:a='urn:a'/><a:y xmlns:a='urn:a'/></metadata>",
  },
  {
    name: 'metadata with a comment and CDATA',
    rest: "<metadata><a:x xmlns:a='urn:a'><!-- c --><a:y><![CDATA[<z>]]></a:y></a:x></metadata>",
  },
  {
    name: 'system information',
    os: "<smbios mode='sysinfo'/>",
    rest: "<sysinfo type='smbios'><bios><entry name='vendor'>  LENOVO </entry></bios><system><entry name='uuid'>B6F0F9C3-1111-4222-8333-ABCDEFABCDE2</entry></system></sysinfo>",
    uuid: '<uuid>b6f0f9c3-1111-4222-8333-abcdefabcde2</uuid>',
  },
  { name: 'empty system information', rest: "<sysinfo type='smbios'/>" },
  { name: 'fw_cfg', rest: "<sysinfo type='fwcfg'><entry name='opt/com.example/name'>a b</entry></sysinfo>" },
  {
    name: 'SPICE channels in another order',
    devices: spice("<channel name='record' mode='insecure'/><channel name='main' mode='secure'/>"),
    cold: NO_SPICE,
  },
  {
    name: 'SPICE channel of any mode',
    devices: spice("<channel name='main' mode='any'/><clipboard copypaste='yes'/><mouse mode='client'/>"),
    cold: NO_SPICE,
  },
  {
    name: 'SPICE words',
    devices: spice(
      "<image compression='auto_glz'/><jpeg compression='auto'/><zlib compression='auto'/><playback compression='on'/><streaming mode='filter'/><filetransfer enable='yes'/><gl enable='no'/>",
    ),
    cold: NO_SPICE,
  },
  {
    name: 'SPICE default mode',
    devices: spice('').replace("autoport='yes'", "port='-1' tlsPort='-1' autoport='yes' defaultMode='any'"),
    cold: NO_SPICE,
  },
  {
    name: 'SPICE on an address that is left out and a network',
    devices: spice("<listen type='address'/><listen type='network' network='none'/>"),
    cold: NO_SPICE,
  },
  {
    name: 'limits of a burst alone',
    devices: disk('<iotune><total_bytes_sec_max>10</total_bytes_sec_max></iotune>'),
    cold: IMAGE,
  },
  {
    name: 'limits of a burst length alone',
    devices: disk(
      '<iotune><read_iops_sec>10</read_iops_sec><read_iops_sec_max_length>3</read_iops_sec_max_length></iotune>',
    ),
    cold: IMAGE,
  },
  {
    name: 'NUMA cell of some vCPUs',
    vcpu: '<vcpu>4</vcpu>',
    rest: "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>",
  },
  { name: 'metadata of an own namespace twice', rest: "<metadata><a xmlns='urn:a'><b>1</b></a></metadata>" },
  { name: 'IPv6 in capitals', devices: nic("<ip family='ipv6' address='FD00:0:0::1' prefix='64'/>") },
  { name: 'VNC share policy', devices: "<graphics type='vnc' sharePolicy='allow-exclusive' powerControl='no'/>" },
  { name: 'VNC password of nothing', devices: "<graphics type='vnc' passwd=''/>" },
  { name: 'VNC without autoport', devices: "<graphics type='vnc' port='5999' autoport='no'/>" },
  { name: 'VNC port -1 alone', devices: "<graphics type='vnc' port='-1'/>" },
  {
    name: 'balloon statistics of zero',
    balloon: "<memballoon model='virtio' autodeflate='off'><stats period='0'/></memballoon>",
  },
  {
    name: 'rng rates',
    devices: "<rng model='virtio'><rate bytes='1234' period='0'/><backend model='random'>/dev/urandom</backend></rng>",
  },
  { name: 'watchdog action', devices: "<watchdog model='i6300esb' action='reset'/>" },
  {
    name: 'controller words',
    devices:
      "<controller type='scsi' index='0' model='virtio-scsi'><driver queues='0' cmd_per_lun='0'/></controller><controller type='virtio-serial' index='0' ports='16' vectors='0'/>",
  },
  { name: 'xhci ports', usb: "<controller type='usb' index='0' model='nec-xhci' ports='8'/>" },
  { name: 'serial log', devices: "<serial type='null'><log file='/tmp/serial.log' append='on'/></serial>" },
  {
    name: 'UDP ends in another order',
    devices:
      "<serial type='udp'><source mode='connect' host='127.0.0.1' service='4002'/><source mode='bind' host='127.0.0.1' service='4003'/></serial>",
  },
  {
    name: 'TCP ends without a mode',
    devices: "<serial type='tcp'><source host='127.0.0.1' service='4004'/></serial>",
    cold: 'nobody listens',
  },
  {
    name: 'reconnect off',
    devices:
      "<channel type='unix'><source mode='connect' path='/tmp/none'><reconnect enabled='no'/></source><target type='virtio' name='a'/></channel>",
    cold: 'nobody listens',
  },
  {
    name: 'filesystem words',
    devices:
      "<filesystem type='mount' accessmode='passthrough'><driver type='path' wrpolicy='immediate'/><source dir='/tmp'/><target dir='a'/></filesystem>",
  },
  { name: 'empty emulator', devices: '<emulator/>' },
  { name: 'empty redirection filter', devices: '<redirfilter/>', usb: XHCI },
  {
    name: 'redirection filter',
    devices:
      "<redirfilter><usbdev class='0x08' vendor='0x1234' product='0xbeef' version='2.56' allow='yes'/><usbdev allow='no'/></redirfilter>",
    usb: XHCI,
  },
  {
    name: 'hugepages of nothing',
    rest: '<memoryBacking><nosharepages/><source type="anonymous"/><access mode="private"/><allocation mode="ondemand"/></memoryBacking>',
  },
  {
    name: 'QEMU arguments',
    root: " xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'",
    rest: "<q:commandline><q:arg value='-name'/><q:arg value='x'/><q:env name='A' value='b'/></q:commandline>",
  },
  {
    name: 'no QEMU arguments',
    root: " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'",
    rest: '<qemu:commandline/>',
  },
  { name: 'an id', root: " id='7'" },
];
