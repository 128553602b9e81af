/**
 * What the reconcilers of a source find, put together: whether they all agree with the store. PURE.
 */
import type { Condition, Head, VerifierRecord } from '../../layout/records.js';

/** Stands for the conditions of a source that no reconciler speaks for. */
export function noReconciler(head: Head | undefined): Condition {
  const since = head ? `; the last commit was applied ${head.time}` : '';
  const message = `no reconciler leads${since}: is one running, and can it reach etcd?`;
  return { type: 'Leading', status: 'False', reason: 'NoReconciler', message };
}

/** One statement, or none while nobody verifies. Who is at another commit than the head has not come to it yet. */
export function verified(verifiers: readonly VerifierRecord[], head: Head | undefined): readonly Condition[] {
  if (verifiers.length === 0 || !head) return [];
  const differing = verifiers.filter(({ agrees }) => !agrees);
  const agreeing = verifiers.filter(({ agrees, commit }) => agrees && commit === head.commit);
  const count = `${agreeing.length} of ${verifiers.length} verifiers agree`;
  const said = differing.map(({ node, message = '' }) => `${node}: ${message}`);
  const message = [count, ...said].join('; ');
  const [first] = differing;
  if (first) {
    const mismatch = differing.find(({ reason }) => reason === 'TreeMismatch');
    const reason = (mismatch ?? first).reason ?? 'StoreDiffers';
    return [{ type: 'Verified', status: 'False', reason, message }];
  }
  const isWhole = agreeing.length === verifiers.length;
  return [
    {
      type: 'Verified',
      status: isWhole ? 'True' : 'Unknown',
      reason: isWhole ? 'Agree' : 'Verifying',
      message,
    },
  ];
}
