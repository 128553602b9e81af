/**
 * A row of the benchmark: a piece of heddle's work, and a yardstick that does the same with the barest means.
 *
 * Contenders of one row run in turn in the same run, each measurement in a process of its own, so that memory is
 * the contender's and a slow machine is slow for both. The ratio of medians is what may be compared over time.
 */

/** Prepared outside of the measured time. May return the ms that count, where they are not those that it took. */
export type Work = () => unknown;

export interface Contender {
  /** What runs, for the table: `heddle`, `yaml.parseAllDocuments`. */
  readonly name: string;
  /** Why it cannot run on this machine, for one that not every machine can run; undefined when it can. */
  unavailable?(): Promise<string | undefined>;
  /** Sets the stage and returns the work to measure; disposes of the stage when `dispose` is called. */
  prepare(size: number): Promise<{ readonly work: Work; readonly dispose?: () => PromiseLike<void> }>;
}

export interface Row {
  readonly name: string;
  /** What is done `size` times. */
  readonly work: string;
  readonly sizes: readonly number[];
  /** The first is heddle's way; the last is the yardstick; any between are alternatives. */
  readonly contenders: readonly Contender[];
}
