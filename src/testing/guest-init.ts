/**
 * Process 1 of the test guest. Answers lines `ID COMMAND …` on ttyS1 with `#begin ID`, the answer, `#end ID STATUS`, and
 * says `#boot` once by itself. It prints /sys as it is, with one process for each section, and leaves the reading to
 * the test's side: under emulation a process takes milliseconds.
 */
export const INIT = `#!/bin/busybox sh
export PATH=/bin
/bin/busybox mount -t devtmpfs none /dev
exec </dev/null >/dev/console 2>&1
busybox mount -t proc none /proc
busybox mount -t sysfs none /sys
busybox mount -t tmpfs none /tmp
while read -r module; do busybox insmod /lib/modules/$module; done </lib/modules/order
busybox --install -s /bin
ip link set lo up

report() {
  echo "@machine"
  echo "boot-id:$(cat /proc/sys/kernel/random/boot_id)"
  echo "kernel:$(uname -r)"
  echo "uptime:$(cat /proc/uptime)"
  grep -E 'MemTotal' /proc/meminfo
  grep -m1 'model name' /proc/cpuinfo
  echo "online-cpus:$(cat /sys/devices/system/cpu/online)"
  grep -H . /sys/class/dmi/id/product_serial /sys/class/dmi/id/product_uuid /sys/class/dmi/id/product_name /sys/class/dmi/id/sys_vendor 2>/dev/null
  cd /sys/bus/pci/devices
  echo "@pci"; grep -H . */vendor */device */class 2>/dev/null
  echo "@pci-links"; ls -l */driver 2>/dev/null
  cd /sys/class/block
  echo "@block"; grep -H . */size */ro */removable */partition */serial 2>/dev/null
  echo "@block-links"; ls -l . 2>/dev/null
  echo "@serials"
  for page in */device/vpd_pg80; do [ -e $page ] && echo "$page:$(tail -c +5 $page | tr -cd '[:print:]')"; done
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

obey_power_button() {
  for input in /sys/class/input/event*; do
    [ "$(cat $input/device/name)" = "Power Button" ] || continue
    head -c 24 /dev/input/\${input##*/} >/dev/null
    sync
    poweroff -f
  done
}
obey_power_button &

stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1
answer boot report >&3
while read -r id command rest <&3; do answer "$id" "$command" "$rest" >&3; done
`;

/** Drivers the guest loads; those the kernel has built in or lacks are passed over. */
export const GUEST_MODULES = [
  'virtio_pci',
  'virtio_blk',
  'virtio_scsi',
  'sd_mod',
  'sr_mod',
  'virtio_net',
  'virtio_balloon',
  'virtio_console',
  'virtio_rng',
  'virtio_input',
  'virtio_mem',
  'ahci',
  'ata_piix',
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
  'vmxnet3',
  'button',
  'evdev',
] as const;
