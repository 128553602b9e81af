/**
 * Keys that a running system writes for itself, and that a plan therefore leaves alone unless a manifest asks
 * for them.
 *
 * A node without an address in git registers the one it finds on itself. The day somebody writes the address
 * into the manifest those very keys become git's (`adopt`, without being asked for), and the day it is taken out
 * they go back to the agent as they are (`release`). A Node that is deleted takes them along. Endpoints come and go with their workloads.
 */
import type { Kind } from '../model/resource.js';
import type { StoreKey } from '../model/store.js';

const NODE_REGISTRATION =
  /\/(?:v1\/host\/[^/]+\/(?:metadata|bird_ip)|bgp\/v1\/host\/[^/]+\/(?:ip_addr|network)_v[46])$/;

/** True for the keys by which an agent registers the node that it runs on. */
export function isNodeRegistration(kind: Kind, key: StoreKey): boolean {
  return kind === 'Node' && NODE_REGISTRATION.test(key);
}

/** True when objects of this kind are expected in the store without anybody having written a manifest. */
export function isRuntimeObject(kind: Kind): boolean {
  return kind === 'WorkloadEndpoint' || kind === 'Node';
}
