#!/bin/sh
# Runs the tests of test/qemu on Debian's kernel, under QEMU, for what the kernel of this machine may lack (IPIP).
# Arguments are a command to run there in their place: `sh scripts/qemu.sh ip link add type ipip`.
#
# The guest sees the files of this machine, read-only by 9p and below an overlay in its own memory: the same Node, the
# same checkout and the same programs on another kernel, and nothing of what they write stays. It has no network. It is
# emulated (TCG) even where KVM would do, so that it is as slow and as sure everywhere. It has one processor: a second
# one costs a test by itself more than it gives (on a busy machine, 57 s of CPU against 40 for test/qemu/kernel.test.ts),
# and is worth it to a lab of many programs.
#
# It has three serial ports: one for the kernel's log, one for what the command prints, one for its exit code. Like that
# nothing gets between the lines of a test, and no line of a test is taken for the verdict. QEMU's own exit code says
# nothing about the guest.
#
# HEDDLE_QEMU_LIMIT: seconds after which a guest that does not end is ended. HEDDLE_QEMU_MEMORY: its memory, MiB.
# HEDDLE_QEMU_CPUS: its processors.
set -eu
cd "$(dirname "$0")/.."
limit=${HEDDLE_QEMU_LIMIT:-600}
cpus=${HEDDLE_QEMU_CPUS:-1}
memory=${HEDDLE_QEMU_MEMORY:-1024}

say() { printf '%s\n' "$*" >&2; }
die() { say "heddle: $*"; exit 1; }
# A word as a shell reads it back
quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

[ "$(uname -m)" = x86_64 ] ||
  die "the guest runs the programs of this machine on an x86_64 kernel, and this machine is $(uname -m)"
sh scripts/bootstrap.sh qemu
PATH="$PATH:/usr/sbin:/sbin"
unpacked=$PWD/.build/qemu
release=$(ls "$unpacked/lib/modules")

temp=$(mktemp -d)
guest='' reader=''
# shellcheck disable=SC2317 # the trap calls it
end() {
  trap '' INT TERM HUP
  # shellcheck disable=SC2086 # none, or one word each
  [ -z "$guest$reader" ] || kill $guest $reader 2>/dev/null || :
  wait
  rm -rf "$temp"
}
trap end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# A namespace of its own, as for the tests on this machine's kernel.
# shellcheck disable=SC2016 # for the shell in the guest
[ $# -gt 0 ] || set -- unshare --net sh -c 'ip link set lo up && exec "$@"' sh \
  node_modules/.bin/ava --concurrency=1 --timeout=300s 'dist/test/qemu/**/*.test.js'
{
  printf 'cd %s\n' "$(quote "$PWD")"
  printf 'export HEDDLE_HOST_BOOT=%s\n' "$(cat /proc/sys/kernel/random/boot_id)"
  # shellcheck disable=SC2016 # the guest's PATH
  printf 'PATH=%s:$PATH\n' "$(quote "$(dirname "$(command -v node)")")"
  printf exec && for word; do printf ' %s' "$(quote "$word")"; done
} >"$temp/command"

# The initramfs: a shell, the modules that the file tree is mounted with, in order, and scripts/qemu/init.
mkdir -p "$temp/root/bin" "$temp/root/modules"
cp scripts/qemu/init "$temp/root/init"
cp "$unpacked/bin/busybox" "$temp/root/bin/busybox"
printf 'checkout=%s\ncommand=%s\n' "$(quote "$PWD")" "$(quote "$temp/command")" >"$temp/root/settings"
modprobe --config /dev/null -d "$unpacked" -S "$release" --show-depends --all virtio_pci 9pnet_virtio 9p overlay |
  sed -n 's/^insmod \(.*[^ ]\) *$/\1/p' | awk '!seen[$0]++ { printf "%02d %s\n", NR, $0 }' |
  while read -r order module; do cp "$module" "$temp/root/modules/$order.ko"; done
(cd "$temp/root" && find . | "$unpacked/bin/busybox" cpio -o -H newc 2>/dev/null) | gzip -1 >"$temp/initramfs"

# What QEMU writes to is a pipe of its own: it makes its output non-blocking, which the terminal must not become.
mkfifo "$temp/output"
cat "$temp/output" &
reader=$!
setpriv --pdeathsig TERM timeout --kill-after=5 "$limit" qemu-system-x86_64 \
  -accel tcg,thread=multi -cpu max -smp "$cpus" -m "$memory" -nic none -display none -monitor none -no-reboot \
  -kernel "$unpacked/boot/vmlinuz-$release" -initrd "$temp/initramfs" \
  -append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off tsc=unstable rcupdate.rcu_expedited=1" \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -serial file:"$temp/kernel" -serial file:"$temp/output" -serial file:"$temp/verdict" \
  </dev/null >"$temp/qemu" 2>&1 &
guest=$!
code=0
wait "$guest" || code=$?
guest=''
# The reader has come to the end, unless QEMU never began: then it waits for a first writer.
: <>"$temp/output"
wait "$reader" || :
reader=''

verdict=$(sed -n 's/^exit \([0-9]\{1,3\}\)[^0-9]*$/\1/p' "$temp/verdict" 2>/dev/null || :)
[ -z "$verdict" ] || exit "$verdict"
tail -q -n 20 "$temp/qemu" "$temp/kernel" 2>/dev/null | tr -d '\r' >&2 || :
[ "$code" != 124 ] && [ "$code" != 137 ] || die "the guest did not end within $limit s (HEDDLE_QEMU_LIMIT), or was killed"
die "the guest ended without a verdict; above is what QEMU and the kernel said last"
