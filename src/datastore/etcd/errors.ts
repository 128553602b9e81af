/**
 * What etcd and gRPC say went wrong, as one DatastoreError with a remedy.
 *
 * The status code decides. Where etcd gives several faults one code, their descriptions decide: they are fixed
 * in etcd's rpctypes package and are part of its protocol (the Go client compares them too). This file is the
 * only place where such a text is looked at.
 */
import {
  ClientClosedError,
  castGrpcError,
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCCancelledError,
  GRPCDeadlineExceededError,
  GRPCFailedPreconditionError,
  GRPCInvalidArgumentError,
  GRPCNotFoundError,
  GRPCOutOfRangeError,
  GRPCResourceExhastedError,
  GRPCUnauthenticatedError,
  GRPCUnavailableError,
} from 'etcd3';
import { DatastoreError, type DatastoreErrorCode } from '../datastore.js';

const REMEDIES: Record<DatastoreErrorCode, string> = {
  unavailable: 'check that etcd runs there and has a leader, and with TLS that --etcd-ca is its authority',
  timeout: 'etcd did not answer in time; check its load and the network',
  unauthenticated: 'check --etcd-user and --etcd-password-file, or leave both out if etcd has no users',
  'permission-denied': 'grant a role of the etcd user read and write on the prefix',
  'too-large': 'make it smaller, or raise --max-request-bytes and --max-txn-ops of etcd',
  'no-space': 'compact and defragment etcd, then disarm the alarm (etcdctl alarm disarm)',
  compacted: 'that history is gone; read the current revision',
  'lease-not-found': 'the lease has expired; grant a new one',
  closed: 'open a new datastore',
  invalid: 'this is a fault of heddle itself; please report it with this message',
};

/** @param doing what was tried, `reading /calico/ from http://...` */
export function toDatastoreError(cause: unknown, doing: string): DatastoreError {
  if (cause instanceof DatastoreError) return cause;
  const error = cause instanceof Error ? castGrpcError(cause) : new Error(String(cause));
  const code = codeOf(error);
  return new DatastoreError(code, `${doing}: ${describe(error)}; ${REMEDIES[code]}`, { cause });
}

/** True for a read at a revision that the store has not reached. */
export function isFutureRevision(cause: unknown): boolean {
  return cause instanceof Error && cause.message.includes('required revision is a future revision');
}

/**
 * True when a call certainly did nothing, because no connection to the member came about or the member has no
 * leader: another member may be asked without fear of writing twice.
 */
export function isRefused(cause: unknown): boolean {
  const texts = ['No connection established', 'Name resolution failed', 'etcdserver: no leader'];
  return cause instanceof GRPCUnavailableError && texts.some((text) => cause.message.includes(text));
}

/** True for a read or watch of history that is gone. */
export function isCompacted(cause: unknown): boolean {
  return cause instanceof GRPCOutOfRangeError && cause.message.includes('has been compacted');
}

function codeOf(error: Error): DatastoreErrorCode {
  const says = (text: string): boolean => error.message.includes(text);
  if (error instanceof ClientClosedError) return 'closed';
  if (error instanceof EtcdPermissionDeniedError) return 'permission-denied';
  if (error instanceof EtcdLeaseInvalidError) return 'lease-not-found';
  if (error instanceof GRPCDeadlineExceededError) return 'timeout';
  if (error instanceof GRPCOutOfRangeError) return isCompacted(error) ? 'compacted' : 'invalid';
  if (error instanceof GRPCResourceExhastedError) {
    if (says('database space exceeded')) return 'no-space';
    return says('too many requests') ? 'unavailable' : 'too-large';
  }
  if (
    error instanceof EtcdAuthenticationFailedError ||
    error instanceof EtcdInvalidAuthTokenError ||
    error instanceof GRPCUnauthenticatedError ||
    says('user name is empty') ||
    says('authentication is not enabled')
  )
    return 'unauthenticated';
  if (error instanceof GRPCInvalidArgumentError)
    return says('request is too large') || says('too many operations') ? 'too-large' : 'invalid';
  if (error instanceof GRPCNotFoundError || error instanceof GRPCFailedPreconditionError) return 'invalid';
  if (error instanceof GRPCCancelledError && says('the datastore was closed')) return 'closed';
  return 'unavailable';
}

/** The message without the class name and number that the layers below put in front of it. */
function describe(error: Error): string {
  // This one takes the message that it is made of for the number of a lease.
  if (error instanceof EtcdLeaseInvalidError) return 'etcdserver: requested lease not found';
  return error.message
    .replace(/^\w+: /, '')
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/ Resolution note: $/, '');
}
