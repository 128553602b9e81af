/**
 * Writing many objects with one call, and what to do when that call fails.
 *
 * All or nothing is right until one object is bad: then everything would wait for it. So after a few tries, each
 * preceded by a read-back, every object is written by itself, and only the bad ones stay pending (law 3). Where the
 * tool could not work at all, trying each object would only repeat that.
 */
import type { ApplyReport, DriverFailure } from '../../driver.js';
import { RenderError } from './render.js';
import { ToolError } from './tools.js';

export interface BatchWriter<T> {
  /** Names the whole in a failure. */
  readonly name: string;
  pending(): readonly T[];
  /** Writes and notes the success. @throws {ToolError | RenderError} */
  write(items: readonly T[]): Promise<void>;
  /** Reads the kernel back. @throws {ToolError} */
  readBack(): Promise<void>;
  /** Runs once before objects are written one by one. @throws {ToolError} */
  prepareEach?(): Promise<void>;
  describe(item: T): string;
}

export type Pause = (milliseconds: number) => Promise<void>;

const PAUSES_MS = [10, 50];

export async function writeBatch<T>(writer: BatchWriter<T>, pause: Pause): Promise<ApplyReport> {
  try {
    const changed = await writeTogether(writer, pause);
    return changed === undefined ? await writeEach(writer) : { changed, failures: [] };
  } catch (error) {
    return { changed: 0, failures: [failureOf(writer.name, error)] };
  }
}

/** A failure for people. @throws what is no failure of a tool but a fault in the program. */
export function failureOf(object: string, error: unknown): DriverFailure {
  if (error instanceof ToolError || error instanceof RenderError) return { object, message: error.message };
  throw error;
}

/** The number of objects written; undefined when the tool refused them every time. */
async function writeTogether<T>(writer: BatchWriter<T>, pause: Pause): Promise<number | undefined> {
  for (const wait of [...PAUSES_MS, undefined]) {
    const items = writer.pending();
    try {
      if (items.length > 0) await writer.write(items);
      return items.length;
    } catch (error) {
      if (!(error instanceof RenderError) && !(error instanceof ToolError && error.reason === 'refused'))
        throw error;
      if (wait !== undefined) await pause(wait);
      await writer.readBack();
    }
  }
  return undefined;
}

async function writeEach<T>(writer: BatchWriter<T>): Promise<ApplyReport> {
  await writer.prepareEach?.();
  const failures: DriverFailure[] = [];
  let changed = 0;
  for (const item of writer.pending()) {
    try {
      await writer.write([item]);
      changed += 1;
    } catch (error) {
      failures.push(failureOf(writer.describe(item), error));
    }
  }
  return { changed, failures };
}
