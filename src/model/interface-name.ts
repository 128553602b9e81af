/**
 * The host side of a workload's veth pair: how it is called by default.
 *
 * The agent takes every interface with the prefix for a workload's, so the name must begin with it. A Linux
 * interface name has at most 15 characters; what the prefix leaves over is filled with hexadecimal digits of
 * SHA-1 of `<orchestrator>/<workload>/<endpoint>`. The node is not part of it: two hosts may use one name.
 */
import { createHash } from 'node:crypto';

export const DEFAULT_INTERFACE_PREFIX = 'cali';
const MAX_INTERFACE_NAME = 15;
const HASH_DIGITS = 11;

export interface WorkloadIds {
  readonly orchestrator: string;
  readonly workload: string;
  readonly endpoint: string;
}

/** `cali` and 11 hexadecimal digits; fewer digits after a longer prefix. */
export function workloadInterfaceName(ids: WorkloadIds, prefix: string = DEFAULT_INTERFACE_PREFIX): string {
  const hash = createHash('sha1').update(`${ids.orchestrator}/${ids.workload}/${ids.endpoint}`).digest('hex');
  return `${prefix}${hash.slice(0, HASH_DIGITS)}`.slice(0, MAX_INTERFACE_NAME);
}
