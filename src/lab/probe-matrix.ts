/**
 * Who reaches whom, tried with real packets for every ordered pair of workloads, and printed as a square.
 */
import { familyOf, IP_FAMILIES, type IpFamily } from '../model/address.js';
import type { LabWorkload } from './lab-plan.js';
import { ARRIVAL_TIMEOUT_MS, type Prober } from './prober.js';

export interface MatrixProbe {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'icmp' | 'tcp';
  readonly family: IpFamily;
  readonly expected: boolean;
  readonly got: boolean;
}

export interface MatrixOptions {
  readonly workloads: readonly LabWorkload[];
  readonly port: number;
  readonly expect: (from: string, to: string, protocol: 'icmp' | 'tcp') => boolean;
}

/** The probes of one cell, in the order in which they are shown. */
export const CELL = (['icmp', 'tcp'] as const).flatMap((protocol) =>
  IP_FAMILIES.map((family) => ({ protocol, family })),
);

export async function probeMatrix(prober: Prober, options: MatrixOptions): Promise<MatrixProbe[]> {
  const { workloads, port, expect } = options;
  await Promise.all(workloads.map(({ namespace }) => prober.listen(namespace, 'tcp', port)));
  const probes = workloads.flatMap((from) =>
    workloads
      .filter((to) => to !== from)
      .flatMap((to) =>
        CELL.flatMap(({ protocol, family }) => {
          const address = to.addresses.find((candidate) => familyOf(candidate) === family);
          return address === undefined ? [] : [{ from, to, protocol, family, address }];
        }),
      ),
  );
  return Promise.all(
    probes.map(async ({ from, to, protocol, family, address }) => {
      const expected = expect(from.name, to.name, protocol);
      const probe = { from: from.namespace, to: address, protocol, port } as const;
      const result = await prober.probe(probe, expected ? ARRIVAL_TIMEOUT_MS : undefined);
      return { from: from.name, to: to.name, protocol, family, expected, got: result === 'allow' };
    }),
  );
}

export interface MatrixStyle {
  readonly arrives: (text: string) => string;
  readonly dropped: (text: string) => string;
  readonly wrong: (text: string) => string;
  readonly heading: (text: string) => string;
}

const CORNER = 'from \\ to';

/** A line for each sender, a column for each receiver; a cell is ping IPv4, ping IPv6, TCP IPv4, TCP IPv6. */
export function formatMatrix(
  probes: readonly MatrixProbe[],
  names: readonly string[],
  style: MatrixStyle,
): string[] {
  const width = Math.max(...names.map((name) => name.length), CORNER.length) + 2;
  const heading = `${CORNER.padEnd(width)}${names.map((name) => name.padEnd(width)).join('')}`;
  const lines = names.map((from) => {
    const cells = names.map((to) => {
      if (from === to) return style.dropped('-') + ' '.repeat(width - 1);
      const marks = CELL.map(({ protocol, family }) => {
        const probe = probes.find(
          (one) => one.from === from && one.to === to && one.protocol === protocol && one.family === family,
        );
        return probe ? markOf(probe, style) : ' ';
      });
      return marks.join('') + ' '.repeat(width - CELL.length);
    });
    return (style.heading(from.padEnd(width)) + cells.join('')).trimEnd();
  });
  return [style.heading(heading.trimEnd()), ...lines];
}

function markOf({ got, expected }: MatrixProbe, style: MatrixStyle): string {
  if (got !== expected) return style.wrong(got ? '●' : '✗');
  return got ? style.arrives('●') : style.dropped('·');
}
