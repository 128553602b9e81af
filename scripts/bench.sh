#!/bin/sh
# Measurements, each beside a yardstick of the same run. `--output json` for machines.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh
exec unshare --net node dist/bench/main.js "$@"
