#!/bin/sh
# Everything that can be checked, on real parts: types, style, units, etcd, kernel, and whole networks.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh tests || { printf '\n0 passed, 1 failed\n'; exit 1; }
exec node scripts/run-tests.mjs "$@"
