/**
 * Makes the namespaces of a privileged host, one stage in the place of the one before, and stays as their first process.
 * Its arguments are its own path, the stage, and the host's directory, whose last part names the host's control groups.
 *
 * Folders of that directory take the places of libvirt's own, so that nothing is written elsewhere. Control groups are the
 * one thing outside; the reaper removes those by their name.
 */
export const SETUP_SCRIPT = `
set -e
self=$1 stage=$2 directory=$3
name=\${directory##*/}

# Control groups as the kernel has them here, one a line: version, controllers or -, mount point.
hierarchies() {
  while read -r _ place type options _; do
    case $type in
      cgroup2) echo "2 - $place" ;;
      cgroup) echo "1 $(echo "$options" | tr , '\\n' | grep -vE '^(rw|ro|nosuid|nodev|noexec|relatime|xattr|clone_children|cpuset_v2_mode|release_agent=.*)$' | paste -sd, -) $place" ;;
    esac
  done </proc/self/mounts
}

case $stage in
groups)
  # Below where this process is, so that limits on it hold for the host. Not in v2: a group with processes has no controllers to give.
  hierarchies | while read -r version controllers place; do
    above=$place
    [ "$version" = 2 ] || above=$place$(sed -n "s/^[0-9]*:$controllers:\\(.*[^/]\\)*\\/*$/\\1/p" /proc/self/cgroup)
    mkdir "$above/$name" 2>/dev/null || continue
    for file in cpuset.cpus cpuset.mems; do
      [ "$version" = 2 ] || [ ! -e "$above/$file" ] || cat "$above/$file" >"$above/$name/$file"
    done
    echo $$ >"$above/$name/cgroup.procs"
    echo "$version $controllers $place $above/$name"
  done >"$directory/groups"
  exec unshare --cgroup sh "$self" "$self" spaces "$directory"
  ;;
spaces)
  # In v2 only a group without processes of its own can give its controllers to domains.
  while read -r version _ _ group; do
    [ "$version" = 1 ] || { mkdir "$group/host" && echo $$ >"$group/host/cgroup.procs"; }
  done <"$directory/groups"
  exec unshare --mount --net --pid --fork --kill-child --mount-proc sh "$self" "$self" mounts "$directory"
  ;;
mounts)
  over() {
    # A distribution may leave the folder to its package: then it is made on a layer above, not on the machine.
    if [ ! -d "$2" ]; then
      layer=$directory/layers/$(basename "$(dirname "$2")")
      if [ ! -d "$layer" ]; then
        mkdir -p "$layer"
        mount -t tmpfs tmpfs "$layer"
        mkdir "$layer/upper" "$layer/work"
        mount -t overlay -o "lowerdir=$(dirname "$2"),upperdir=$layer/upper,workdir=$layer/work" overlay "$(dirname "$2")"
      fi
      mkdir -p "$2"
    fi
    mount --bind "$1" "$2"
  }
  # Without kvm: where it is there but does not work, libvirt asks QEMU for its capabilities again at each call.
  mount -t tmpfs -o mode=755 tmpfs "$directory/dev"
  mkdir "$directory/dev/pts" "$directory/dev/shm" "$directory/dev/net"
  for device in null zero full random urandom tty net/tun; do
    [ -e "/dev/$device" ] || continue
    : >"$directory/dev/$device"
    mount --bind "/dev/$device" "$directory/dev/$device"
  done
  ln -s /proc/self/fd "$directory/dev/fd"
  ln -s pts/ptmx "$directory/dev/ptmx"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$directory/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$directory/dev/shm"
  mount --rbind "$directory/dev" /dev
  # Of the new network namespace; the control groups on it are those of the new group namespace.
  mount -t sysfs sysfs /sys
  [ -d /sys/fs/cgroup ] && grep -q ' /sys/fs/cgroup/' "$directory/groups" && mount -t tmpfs tmpfs /sys/fs/cgroup
  while read -r version controllers place _; do
    mkdir -p "$place"
    if [ "$version" = 2 ]; then mount -t cgroup2 cgroup2 "$place"; else mount -t cgroup -o "$controllers" cgroup "$place"; fi
  done <"$directory/groups"
  over "$directory/etc/libvirt" /etc/libvirt
  over "$directory/lib" /var/lib/libvirt
  over "$directory/cache" /var/cache/libvirt
  over "$directory/log" /var/log/libvirt
  mount --bind "$directory/run" /run
  for file in passwd group; do mount --bind "$directory/etc/$file" "/etc/$file"; done
  ip link set lo up
  virtlogd -d
  echo ready
  # Orphans come here, every QEMU that has ended among them: libvirt waits until each has been reaped.
  while :; do sleep 3600 & wait $!; done
  ;;
join)
  # A process that enters the namespaces from outside is not yet in their control groups.
  shift 3
  while read -r version _ place _; do
    if [ "$version" = 2 ]; then place=$place/host; fi
    echo $$ >"$place/cgroup.procs"
  done <"$directory/groups"
  exec "$@"
  ;;
esac
`;
