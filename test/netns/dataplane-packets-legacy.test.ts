import { dataplanePackets } from './dataplane-packets.js';

dataplanePackets('iptables-legacy');
