/** The packets of dataplane-packets.ts (law 7) on the real kernel, with iptables on nf_tables. */
import { dataplanePackets } from './dataplane-packets.js';

dataplanePackets('iptables');
