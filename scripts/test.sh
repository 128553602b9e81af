#!/bin/sh
# Everything that can be checked, on real parts: types, style, units, etcd, kernel, and whole networks.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh
exec node scripts/run-tests.mjs "$@"
