/**
 * The program that sits in a namespace of a lab and tries connections on request: JSON lines in, JSON lines out.
 *
 * An entry of its own and not a verb: a lab has one in each of its namespaces, and all that the verbs import takes
 * longer to load than most probes take.
 */
import { exit, stdin, stdout } from 'node:process';
import { runProbeAgent } from '../../lab/probe-agent.js';

await runProbeAgent(stdin, stdout);
// Connections that somebody left half open hold up nobody.
exit(0);
