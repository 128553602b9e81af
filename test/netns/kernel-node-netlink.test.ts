/**
 * The optional transport. Its native addon is compiled at installation: a machine without a compiler has none,
 * which is reported and is no failure; any other reason not to load is one.
 */
import test from 'ava';
import { netlinkTransports } from '../../src/kernel/netlink/index.js';
import { netlinkConformance } from '../kernel/netlink-conformance.js';

const reason = await netlinkTransports['node-netlink'].available();

if (reason === undefined) {
  netlinkConformance('node-netlink', netlinkTransports['node-netlink'].open, { extendedAck: false });
} else {
  test(`node-netlink not available: ${reason}`, (t) => {
    t.log(`node-netlink not available: ${reason}`);
    t.regex(reason, /^Cannot find (package 'node-netlink'|module '.*\.node')/);
  });
}
