/**
 * How far a commit has come, for people and for programs.
 */
import { shortCommit } from '../diff/summary.js';
import type { HostReport } from '../reconciler/status/cluster-status.js';
import type { WaitResult } from '../reconciler/status/wait-for-commit.js';

export function waitReport({ hosts, of, missing, refused, suspended }: WaitResult): object {
  return {
    live: { hosts, of },
    missing: missing.map(({ node, state, bgp, error }) => ({ node, state, bgp, ...(error && { error }) })),
    ...(refused !== undefined && { refused }),
    ...(suspended !== undefined && { suspended }),
  };
}

export function formatWait(
  commit: string,
  result: WaitResult,
  { reached, tookMs }: { readonly reached: boolean; readonly tookMs: number },
): string {
  const live = `commit ${shortCommit(commit)} live on ${result.hosts}/${result.of} hosts`;
  if (reached) return `${live} after ${tookMs} ms\n`;
  if (result.refused !== undefined) return `${live}; it is refused\n  ${result.refused}\n`;
  const suspended = result.suspended === undefined ? '' : `  ${result.suspended}\n`;
  return `${live} and no more within ${tookMs} ms\n${suspended}${formatMissing(result)}`;
}

const MOST_MISSING = 20;

/** A line for each host, as far as a screen goes. */
export function formatMissing({ missing }: Pick<WaitResult, 'missing'>): string {
  const lines = missing.slice(0, MOST_MISSING).map(({ node, state, error, sources, bgp }) => {
    const commits = Object.values(sources).map(({ commit }) => shortCommit(commit));
    const at = commits.length === 0 ? '' : ` with ${commits.join(' ')}`;
    const why = error ?? (bgp.established < bgp.configured ? sessionsDown(bgp) : undefined);
    return `  ${node} ${state}${at}${why === undefined ? '' : `: ${why}`}\n`;
  });
  const more = missing.length - lines.length;
  return lines.join('') + (more > 0 ? `  and ${more} more (heddle status)\n` : '');
}

function sessionsDown({ configured, established }: HostReport['bgp']): string {
  return `${established} of ${configured} BGP sessions up`;
}
