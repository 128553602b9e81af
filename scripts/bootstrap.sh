#!/bin/sh
# Makes a fresh machine ready: Node, Debian packages, npm packages, build. Does nothing that is done already.
# `bootstrap.sh tests` brings what the tests need as well.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "heddle: $*"; exit 1; }

command -v node >/dev/null || die "Node.js is missing: install Node 20.19 or newer"
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  die "Node $(node --version) is too old: heddle needs 20.19 or newer"

# program:package, for what the demo runs for real, and then what only the tests do (`bootstrap.sh tests`)
wanted="etcd:etcd-server etcdctl:etcd-client bird:bird2 iptables-nft:iptables ipset:ipset ip:iproute2
  conntrack:conntrack ping:iputils-ping nsenter:util-linux sysctl:procps git:git"
[ "${1-}" != tests ] || wanted="$wanted openssl:openssl sshd:openssh-server ssh:openssh-client
  vtysh:frr gobgpd:gobgpd bgpctl:openbgpd exabgp:exabgp"
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
if [ "${1-}" = tests ] && [ ! -x .build/bird-1.6/usr/sbin/bird6 ]; then
  command -v apt-get >/dev/null || die "BIRD 1.6 is missing, and there is no apt-get here: unpack it to .build/bird-1.6"
  say "Unpacking: bird (1.6)"
  rm -rf .build/bird-1.6 && mkdir -p .build/bird-1.6
  { apt-cache show bird >/dev/null 2>&1 || apt-get update -q >/dev/null; } && (cd .build/bird-1.6 && apt-get download -q bird >/dev/null 2>&1) &&
    dpkg -x .build/bird-1.6/bird_*.deb .build/bird-1.6 || die "BIRD 1.6 could not be unpacked"
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "Installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

say "Building"
npm run --silent build
