/**
 * What a host needs of its kernel besides a packet filter: each kind of object, and its drivers.
 */
import type { Driver } from './driver.js';
import type { PolicedState } from './flows/policed-state.js';
import type { DesiredDataplane, DesiredFamily } from './intent.js';

/** In the order in which they come to be; apply-steps.ts says why. */
export const KERNEL_KINDS = ['flows', 'sysctls', 'tunnels', 'forwarding', 'neighbors', 'routes'] as const;
export type DriversByKind = Readonly<Record<(typeof KERNEL_KINDS)[number], readonly Driver[]>>;

export const NO_DRIVERS: DriversByKind = {
  flows: [],
  sysctls: [],
  tunnels: [],
  forwarding: [],
  neighbors: [],
  routes: [],
};

/** The drivers, and the desired side of each that managers write. */
export interface KernelDrivers {
  readonly drivers: DriversByKind;
  /** By which flows are judged. */
  readonly policed: Pick<PolicedState, 'onUpdate' | 'completeDeferredWork' | 'suspectAll'>;
  readonly families: readonly Pick<DesiredFamily, 'family' | 'routes' | 'neighbors'>[];
  readonly sysctls: DesiredDataplane['sysctls'];
  readonly tunnels: DesiredDataplane['tunnels'];
  readonly forwarding: DesiredDataplane['forwarding'];
}

/** All of them, in the order in which they come to be. */
export function kernelDriversOf(kernel: DriversByKind): readonly Driver[] {
  return KERNEL_KINDS.flatMap((kind) => kernel[kind]);
}
