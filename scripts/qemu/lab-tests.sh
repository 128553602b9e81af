#!/bin/sh
# In the guest: the whole lab of examples/manifests/overlay-ipip, with its etcd, loops, agents and BIRD, and real IP in IP.
# An emulated processor is some ten times as slow, and everything is waited for as much longer.
set -eu
ip link set lo up
export HEDDLE_TEST_PATIENCE=8
exec node_modules/.bin/ava --concurrency=1 --timeout=1500s dist/test/e2e/overlay.test.js --match 'overlay-ipip*'
