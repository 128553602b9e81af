#!/bin/sh
# guest.sh CHECKOUT COMMAND: the first process of the guest once it has the file tree: mounts the rest, runs COMMAND (a
# file), and says what came of it. ttyS0 is the kernel's, ttyS1 gets what the command prints, ttyS2 its exit code.
set -u
checkout=$1 command=$2
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
unset TERM

mkdir -p /dev/pts /dev/shm /lib/modules
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/netns
mount --bind "$checkout/.build/qemu/lib/modules" /lib/modules
# What udev would make
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "/proc/self/${link#*:}" "/dev/${link%%:*}"; done
hostname guest
ip link set lo up

# Over a pipe, so that no program takes the port for a terminal.
stty -F /dev/ttyS1 raw -echo
mkfifo /run/output
cat /run/output >/dev/ttyS1 &
pump=$!
sh "$command" </dev/null >/run/output 2>&1
code=$?
# All of it is out when the pump has ended; a process that the command left behind may hold it open.
timeout 10 tail --pid="$pump" -f /dev/null
echo "exit $code" >/dev/ttyS2
echo o >/proc/sysrq-trigger
sleep 60
