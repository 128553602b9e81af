/**
 * One thing after the other, in the order in which they were asked for; what fails does not keep the next from its turn.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the task when all before it are over; gives what it gives. */
  take<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }

  /** When all that was asked for so far is over. */
  async over(): Promise<void> {
    await this.#last;
  }
}
