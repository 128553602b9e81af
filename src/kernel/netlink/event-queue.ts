/**
 * Events between a socket that pushes and a reader that awaits.
 *
 * The kernel does not wait for a slow reader, so neither does the queue: past its capacity everything unread is
 * replaced by one overrun, which tells the reader to read back what it missed, as the kernel itself does.
 */

export interface EventQueueOptions<T> {
  readonly capacity: number;
  readonly overrun: T;
  /** The reader has left, or the source has ended. Called once. */
  readonly onEnd: () => void;
}

export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #options: EventQueueOptions<T>;
  #unread: T[] = [];
  #waiting: PromiseWithResolve<IteratorResult<T>>[] = [];
  #ended = false;
  #failure: unknown;

  constructor(options: EventQueueOptions<T>) {
    this.#options = options;
  }

  push(event: T): void {
    if (this.#ended) return;
    const reader = this.#waiting.shift();
    if (reader) {
      reader.resolve({ done: false, value: event });
      return;
    }
    if (this.#unread.length >= this.#options.capacity) this.#unread = [this.#options.overrun];
    else this.#unread.push(event);
  }

  /** Ends the stream after what is unread; with a failure, the reader is thrown it there. */
  end(failure?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#options.onEnd();
    for (const reader of this.#waiting.splice(0)) this.#finish(reader);
  }

  next(): Promise<IteratorResult<T>> {
    const [event] = this.#unread.splice(0, 1);
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    return new Promise((resolve, reject) => {
      if (this.#ended) this.#finish({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<T>> {
    this.#unread = [];
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(reader: PromiseWithResolve<IteratorResult<T>>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(failure);
  }
}

interface PromiseWithResolve<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}
