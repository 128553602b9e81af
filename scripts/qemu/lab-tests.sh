#!/bin/sh
# In the guest: the whole lab of examples/manifests/overlay-ipip, with its etcd, loops, agents and BIRD, and real IP in IP.
# An emulated processor is many times as slow: everything is waited for eight times as long as elsewhere.
set -eu
ip link set lo up
export HEDDLE_TEST_PATIENCE=8
exec node_modules/.bin/ava --concurrency=1 --timeout=1500s dist/test/e2e/overlay.test.js --match 'overlay-ipip*'
