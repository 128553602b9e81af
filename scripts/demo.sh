#!/bin/sh
# The story of a network from an empty etcd to a removed endpoint, on this machine. `--keep` leaves it up.
set -eu
cd "$(dirname "$0")/.."
sh scripts/bootstrap.sh
exec node dist/src/cli/main.js lab demo "$@"
