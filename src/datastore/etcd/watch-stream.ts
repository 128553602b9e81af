/**
 * One stream of etcd's watch, from the request to its end.
 *
 * The stream is read by async iteration, so that a slow reader stops the flow: gRPC then withholds window, etcd
 * keeps the rest in its history, and no more than a few responses (2 MiB each, `fragment` set) lie here.
 * What is deliberately not done: `created` moves nothing, because the backlog comes after it.
 */
import { Duplex } from 'node:stream';
import type { IDuplexStream, IWatchRequest, IWatchResponse, WatchClient } from 'etcd3';
import type { Revision } from '../../model/store.js';
import { DatastoreError } from '../datastore.js';
import { type KeyRange, toRevision } from './codec.js';
import { RevisionAssembler, type WholeRevision } from './whole-revisions.js';

export type WatchFrame =
  | { readonly type: 'created' }
  | ({ readonly type: 'events' } & WholeRevision)
  /** Everything up to this revision has been delivered. Sent by the server of its own accord when idle. */
  | { readonly type: 'progress'; readonly revision: Revision }
  | { readonly type: 'compacted'; readonly revision: Revision };

export interface WatchStreamRequest {
  readonly range: KeyRange;
  readonly from: Revision;
  readonly signal: AbortSignal;
  /** Longest wait for the server to register the watch. */
  readonly createTimeoutMs: number;
}

/** @throws whatever ends the stream, as the transport says it; also when the server just closes it. */
export async function* readWatchStream(
  client: WatchClient,
  request: WatchStreamRequest,
): AsyncGenerator<WatchFrame> {
  const stream = await client.watch();
  const cancel = (): void => cancelStream(stream);
  const creation = setTimeout(cancel, request.createTimeoutMs);
  request.signal.addEventListener('abort', cancel, { once: true });
  const { key, range_end } = request.range;
  stream.write({
    create_request: { key, range_end, start_revision: request.from, fragment: true, progress_notify: true },
  });
  try {
    const assembler = new RevisionAssembler(request.from);
    if (request.signal.aborted) return;
    for await (const response of responsesOf(stream)) {
      if (response.created) clearTimeout(creation);
      yield* framesOf(response, assembler);
    }
    throw new DatastoreError('unavailable', 'etcd closed the watch stream');
  } finally {
    clearTimeout(creation);
    request.signal.removeEventListener('abort', cancel);
    cancel();
  }
}

function* framesOf(response: IWatchResponse, assembler: RevisionAssembler): Generator<WatchFrame> {
  const compacted = toRevision(response.compact_revision);
  if (compacted > 0) {
    yield { type: 'compacted', revision: compacted };
    return;
  }
  if (response.canceled) throw new Error(response.cancel_reason || 'etcd cancelled the watch');
  if (response.created) yield { type: 'created' };
  for (const whole of assembler.push(response.events, response.fragment)) yield { type: 'events', ...whole };
  const idle = !response.created && response.events.length === 0 && !assembler.unfinished;
  if (idle) yield { type: 'progress', revision: toRevision(response.header.revision) };
}

/** The library hides that its streams are Node's. */
function responsesOf(stream: IDuplexStream<IWatchRequest, IWatchResponse>): AsyncIterable<IWatchResponse> {
  if (!(stream instanceof Duplex)) throw new TypeError('etcd3 did not return a stream');
  return stream as AsyncIterable<IWatchResponse>;
}

/** Ends our half first: the library takes the error of a stream that is still writable for a failed server. */
function cancelStream(stream: IDuplexStream<IWatchRequest, IWatchResponse>): void {
  stream.end();
  stream.cancel();
}
