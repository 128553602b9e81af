/**
 * Keeps the interfaces watched: a monitor that breaks is started again, and has the drivers read back what it missed.
 *
 * A monitor breaks when the kernel refuses its socket, or closes it. Each attempt waits twice as long as the last, until
 * one has held for a while. Meanwhile the host works and says what it lacks: a new workload is connected at the
 * next read-back of the agent, and not at once.
 */
import type { DriverFailure } from '../driver.js';
import { type InterfaceMonitorOptions, monitorInterfaces } from './interface-monitor.js';
import { messageOf } from './kernel-table.js';

export interface InterfaceWatchOptions extends InterfaceMonitorOptions {
  /** A clock that never goes back, in ms. */
  readonly now: () => number;
  /** Resolves after so many ms, and when the signal is aborted. */
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly onBroken: (error: unknown) => void;
}

export interface InterfaceWatch {
  /** That interfaces are not watched, and why; empty while they are. */
  problems(): readonly DriverFailure[];
  /** Resolves after the signal. */
  readonly ended: Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** A monitor that held so long was well started. */
const HELD_MS = 10_000;

/** Events are collected from the call on: call it before the first read-back. */
export function watchInterfaces(options: InterfaceWatchOptions): InterfaceWatch {
  const { signal, now, pause, drivers, onChange, onBroken } = options;
  let broken: string | undefined;

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = now();
      try {
        const monitor = monitorInterfaces(options);
        if (failures > 0) {
          broken = undefined;
          for (const driver of drivers) driver.queueResync();
          onChange();
        }
        await monitor;
      } catch (error) {
        if (signal.aborted) return;
        failures = now() - startedAt < HELD_MS ? failures + 1 : 1;
        broken = messageOf(error);
        onBroken(error);
        onChange();
        await pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)));
      }
    }
  };

  return {
    problems: () =>
      broken === undefined
        ? []
        : [{ object: 'interfaces', message: `not watched, will be tried again: ${broken}` }],
    ended: run(),
  };
}
