/**
 * What the agent does not enforce yet (law 5).
 *
 * A kind or field listed here is refused when a manifest is loaded, exit code 3, `not supported yet`. An agent
 * that meets one in the store all the same reports `degraded`. The day something becomes enforced, its line
 * goes, and nothing else has to change.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Kind, Resource } from './resource.js';

export const UNSUPPORTED_KINDS: ReadonlySet<Kind> = new Set<Kind>(['HostEndpoint', 'IPReservation']);

/** A dotted path below `spec`; `*` is every entry of a list. */
export interface UnsupportedField {
  readonly path: string;
  /** These values mean that the feature is off, and are accepted. Absent: the field is refused whenever it is set. */
  readonly except?: readonly unknown[];
  /** No packet depends on it: refused in a manifest all the same, no reason for a host not to be live. */
  readonly isHarmless?: true;
  /** What comes of it where it stands in the store. */
  readonly effect?: string;
}

export const UNSUPPORTED_FIELDS: Readonly<Partial<Record<Kind, readonly UnsupportedField[]>>> = {
  IPPool: [{ path: 'nodeSelector', except: ['all()'] }],
  GlobalNetworkPolicy: [
    { path: 'doNotTrack', except: [false] },
    { path: 'preDNAT', except: [false] },
    { path: 'applyOnForward', except: [false] },
  ],
  WorkloadEndpoint: [{ path: 'ipNATs', except: [[]] }],
  AgentConfiguration: [
    // Which BIRD it is, an agent is told by its flag --bgp; how much it logs, by --log-level.
    { path: 'bgpMode', except: ['managed', 'none'] },
    { path: 'logSeverityScreen', isHarmless: true },
    {
      path: 'ipv6Support',
      except: [true],
      effect: 'IPv6 rules and routes stay as they are, and no new ones come',
    },
    { path: 'failsafeInboundHostPorts' },
    { path: 'failsafeOutboundHostPorts' },
  ],
  BGPFilter: [
    { path: 'importV4.*.operations.*.setPriority' },
    { path: 'importV6.*.operations.*.setPriority' },
  ],
};

export interface UnsupportedValue {
  readonly field: UnsupportedField;
  /** Where it stands below `spec`. */
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** What a resource of a supported kind asks for and is not given. */
export function unsupportedValues({ kind, spec }: Pick<Resource, 'kind' | 'spec'>): UnsupportedValue[] {
  return (UNSUPPORTED_FIELDS[kind] ?? []).flatMap((field) =>
    valuesAt(spec, field.path.split('.'))
      .filter(({ value }) => !field.except?.some((off) => isDeepStrictEqual(off, value)))
      .map((found) => ({ field, ...found })),
  );
}

type Found = Pick<UnsupportedValue, 'path' | 'value'>;

function valuesAt(value: unknown, steps: readonly string[], path: Found['path'] = []): Found[] {
  const [step, ...rest] = steps;
  if (value === undefined) return [];
  if (step === undefined) return [{ path, value }];
  if (step === '*')
    return Array.isArray(value)
      ? value.flatMap((entry, index) => valuesAt(entry, rest, [...path, index]))
      : [];
  if (typeof value !== 'object' || value === null) return [];
  return valuesAt(Object.getOwnPropertyDescriptor(value, step)?.value, rest, [...path, step]);
}
