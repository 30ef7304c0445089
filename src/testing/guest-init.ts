/**
 * Process 1 of the test guest. Answers lines `ID COMMAND …` on ttyS1 with `#begin ID`, the answer, `#end ID STATUS`, and
 * says `#begin boot` once by itself. It prints /sys as it is, and leaves the reading to the test's side: under emulation each
 * process takes 10 ms, so it starts few.
 */
export const INIT = `#!/bin/busybox sh
export PATH=/bin
mount -t devtmpfs none /dev
exec </dev/null >/dev/console 2>&1
mount -t proc none /proc
mount -t sysfs none /sys
read -r modules </lib/modules/wanted
for class in /sys/bus/pci/devices/*/class; do
  read -r class <$class
  case $class in
    0x0101*) modules="$modules ata_piix" ;;
    0x0106*) modules="$modules ahci" ;;
  esac
done
modprobe -qa $modules

value() { read -r value <"$2" && echo "$1:$value"; }

report() {
  echo "@machine"
  value boot-id /proc/sys/kernel/random/boot_id
  value kernel /proc/sys/kernel/osrelease
  value uptime /proc/uptime
  value online-cpus /sys/devices/system/cpu/online
  value product-name /sys/class/dmi/id/product_name
  value product-serial /sys/class/dmi/id/product_serial
  value product-uuid /sys/class/dmi/id/product_uuid
  value vendor /sys/class/dmi/id/sys_vendor
  grep -hm1 -e MemTotal -e 'model name' /proc/meminfo /proc/cpuinfo
  cd /sys/bus/pci/devices
  echo "@pci"; grep -H . */vendor */device */class 2>/dev/null
  echo "@pci-links"; ls -l */driver 2>/dev/null
  cd /sys/class/block
  echo "@block"; grep -H . */size */ro */removable */partition */serial 2>/dev/null
  echo "@block-links"; ls -l . 2>/dev/null
  echo "@serials"
  for page in */device/vpd_pg80; do [ -e $page ] && echo "$page:$(tail -c +5 $page | tr -d '\\000')"; done
  cd /sys/class/net
  echo "@net"; grep -H . */address */operstate */carrier 2>/dev/null
  echo "@net-links"; ls -l . 2>/dev/null
  cd /
}

answer() {
  printf '\\n#begin %s\\n' "$1"
  case $2 in
    report) report 2>/dev/null; status=$? ;;
    exec) sh -c "$3" </dev/null 2>&1; status=$? ;;
    poweroff | reboot) echo "#end $1 0"; sync; $2 -f ;;
    *) echo "unknown command $2"; status=127 ;;
  esac
  printf '\\n#end %s %s\\n' "$1" "$status"
}

# What is plugged in is used at once, as a distribution's udev rules have it. read waits without a process.
online() {
  read -r cmdline </proc/cmdline
  case "$cmdline" in
    *memhp_default_state=*) ;;
    *) echo online >/sys/devices/system/memory/auto_online_blocks ;;
  esac
  mkfifo /tmp/tick
  while :; do
    for cpu in /sys/devices/system/cpu/cpu[0-9]*/online; do
      read -r up <$cpu
      [ "$up" = 1 ] || echo 1 >$cpu
    done
    read -rt 1 up <>/tmp/tick
  done 2>/dev/null
}
online &

obey_power_button() {
  for input in /sys/class/input/event*; do
    read -r name <$input/device/name
    [ "$name" = "Power Button" ] || continue
    head -c 24 /dev/input/\${input##*/} >/dev/null
    sync
    poweroff -f
  done
}
obey_power_button &
[ ! -x /agent ] || /agent &

stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1
answer boot report >&3
while read -r id command rest <&3; do answer "$id" "$command" "$rest" >&3; done
`;

/** Drivers for what can be plugged in, loaded at each boot. */
export const GUEST_MODULES = [
  'virtio_pci',
  'virtio_blk',
  'virtio_scsi',
  'sd_mod',
  'sr_mod',
  'virtio_net',
  'virtio_balloon',
  'virtio_mem',
  'virtio_console',
  'virtio_rng',
  'xhci_pci',
  'ehci_pci',
  'uhci_hcd',
  'usb_storage',
  'uas',
  'usbhid',
  'nvme',
  'e1000',
  'e1000e',
  'igb',
  '8139cp',
  'button',
  'evdev',
] as const;

/**
 * Drivers of what cannot be plugged in. Those of controllers are loaded at boot where there is one, since libata costs
 * 70 ms; the one that tells of a panic by `modprobe pvpanic_mmio`, the file system of CDs by `modprobe isofs`.
 */
export const STATIC_MODULES = ['ahci', 'ata_piix', 'pvpanic_mmio', 'isofs'] as const;
