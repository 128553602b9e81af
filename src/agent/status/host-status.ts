/**
 * What a host says of itself in the store.
 *
 * `live` is a claim about the kernel: it was read back after the last change and is as the commit wants it. Whatever
 * is in doubt is not live. Of several things that are wrong, the one that needs a person first gives the state:
 * failed, held, applying, degraded. BGP sessions that are down are the peer's fault as often as ours; they count in
 * `bgp` and turn the health red (health.ts), but take nothing from what this host has programmed.
 */
import type { HostSessions, HostState, HostStatus, SessionRecord } from '../../layout/records.js';
import type { SessionStatus } from '../bgp/speaker.js';
import type { DriverFailure } from '../dataplane/driver.js';
import type { HostFacts } from './host-facts.js';

export function hostStatus(facts: HostFacts): HostStatus {
  const { state, error } = judge(facts);
  const { applied, verified, bgp } = facts;
  const sources = [...(applied?.heads ?? [])].map(
    ([source, { seq, commit }]) => [source, { seq, commit }] as const,
  );
  return {
    node: facts.node,
    state,
    sources: Object.fromEntries(sources),
    revision: applied?.revision ?? 0,
    ...(verified?.differences.length === 0 && { verifiedAt: new Date(verified.at).toISOString() }),
    counts: facts.counts,
    bgp: { configured: bgp.configured, established: bgp.established },
    ...(error !== undefined && { error }),
  };
}

/** The sessions of the host one by one, which only who asks for them reads. */
export function hostSessions({ node, bgp }: HostFacts): HostSessions {
  return { node, sessions: bgp.sessions.map(sessionRecord) };
}

/** The first few, so that the text fits where it is shown: `route 10.0.0.1/32: no such device; ... (and 7 more)`. */
export function summarize(failures: readonly DriverFailure[]): string {
  const shown = failures.slice(0, 3).map(({ object, message }) => `${object}: ${message}`.slice(0, 300));
  const more = failures.length - shown.length;
  return shown.join('; ') + (more > 0 ? ` (and ${more} more)` : '');
}

function sessionRecord(session: SessionStatus): SessionRecord {
  const { name, peerName, family, state, since, imported, exported, lastError } = session;
  return {
    ...{ name, peer: peerName, family, state, imported, exported },
    ...(since !== undefined && { since }),
    ...(lastError !== undefined && { lastError }),
  };
}

export const BGP_UNCONFIRMED =
  'BGP: the daemon has not confirmed its configuration yet; policy and routes are in force';

function judge(facts: HostFacts): { readonly state: HostState; readonly error?: string } {
  const { datastoreAway, received, applied, failures, verified, unenforced, bgp, bgpUnconfirmed } = facts;
  if (failures.length > 0) return { state: 'failed', error: summarize(failures) };
  if (datastoreAway !== undefined)
    return { state: 'held', error: `the datastore is away, the last state is kept: ${datastoreAway}` };
  if (received && !received.ready)
    return {
      state: 'held',
      error:
        'the store is not ready (its key v1/Ready is not true), the last state is kept: has a reconciler applied a commit?',
    };
  if (!received || !applied || applied.revision < received.revision) return { state: 'applying' };
  if (!verified || verified.revision < applied.revision) return { state: 'applying' };
  if (bgpUnconfirmed && verified.differences.length === 0)
    return { state: 'applying', error: BGP_UNCONFIRMED };
  const degraded = [
    ...verified.differences,
    ...unenforced,
    ...(bgp.problem === undefined ? [] : [{ object: 'BGP', message: bgp.problem }]),
  ];
  return degraded.length > 0 ? { state: 'degraded', error: summarize(degraded) } : { state: 'live' };
}
