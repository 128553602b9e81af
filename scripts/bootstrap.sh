#!/bin/sh
# Makes a fresh machine ready: Node, Debian packages, npm packages, build. Does nothing that is done already.
# `bootstrap.sh tests` brings what the tests need as well, `bootstrap.sh qemu` what scripts/qemu.sh needs.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "heddle: $*"; exit 1; }

# unpack FOLDER PACKAGE...: what is in these packages below FOLDER, and none of them installed
unpack() {
  folder=$1 && shift
  command -v apt-get >/dev/null || die "there is no apt-get here: unpack to $folder by hand: $*"
  say "Unpacking: $*"
  rm -rf "$folder" && mkdir -p "$folder"
  (
    cd "$folder"
    # Where the lists are older than the mirror, the file they name is gone.
    apt-get download -q "$@" || { apt-get update -q && apt-get download -q "$@"; } || exit 1
    for package in *.deb; do dpkg -x "$package" . && rm "$package" || exit 1; done
  ) >/dev/null 2>&1 || die "could not be unpacked: $*"
}

command -v node >/dev/null || die "Node.js is missing: install Node 20.19 or newer"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  die "Node $(node --version) is too old: heddle needs 20.19 or newer"

# program:package, for what the demo runs for real, and then what only the tests do (`bootstrap.sh tests`)
wanted="etcd:etcd-server etcdctl:etcd-client bird:bird2 iptables-nft:iptables ipset:ipset ip:iproute2
  conntrack:conntrack ping:iputils-ping nsenter:util-linux sysctl:procps git:git"
[ "${1-}" != tests ] || wanted="$wanted openssl:openssl sshd:openssh-server ssh:openssh-client
  vtysh:frr gobgpd:gobgpd bgpctl:openbgpd exabgp:exabgp"
# The other kernel runs the programs of this machine, so it is of this machine's kind, or not there.
qemu=
case "${1-} $(uname -m)" in 'tests x86_64' | 'qemu x86_64') qemu=.build/qemu ;; esac
[ -z "$qemu" ] || wanted="$wanted qemu-system-x86_64:qemu-system-x86 modprobe:kmod"
missing=
for pair in $wanted; do
  command -v "${pair%%:*}" >/dev/null || [ -x "/usr/sbin/${pair%%:*}" ] || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || die "missing packages:$missing. Run this as root, or: sudo apt-get install$missing"
  command -v apt-get >/dev/null || die "missing packages:$missing. There is no apt-get here: install them by hand"
  say "Installing:$missing"
  # Packages start their daemons on installation, where nothing forbids it: an etcd and a BIRD nobody asked for.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  log=$(mktemp)
  # shellcheck disable=SC2086 # one word each
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } \
    >"$log" 2>&1 || { cat "$log" >&2; die "apt-get could not install:$missing"; }
  rm -f "$log"
fi

# BIRD 1.6 and BIRD 2 do not go together as packages, so the older one is unpacked beside.
[ "${1-}" != tests ] || [ -x .build/bird-1.6/usr/sbin/bird6 ] || unpack .build/bird-1.6 bird

# A kernel for QEMU, which this machine is not to boot, and the shell it starts with (busybox-static and busybox do not
# go together). The folder has its name only once all of it is there.
if [ -n "$qemu" ] && [ ! -d "$qemu" ]; then
  kernel() { apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p'; }
  [ -n "$(kernel)" ] || apt-get update -q >/dev/null || die "apt-get update failed"
  [ -n "$(kernel)" ] || die "no kernel for QEMU: apt has no linux-image-amd64, which Debian's archive has"
  unpack "$qemu.new" "$(kernel)" busybox-static
  PATH="$PATH:/usr/sbin:/sbin" depmod -b "$qemu.new" "$(ls "$qemu.new/lib/modules")"
  mv "$qemu.new" "$qemu"
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "Installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

say "Building"
npm run --silent build
