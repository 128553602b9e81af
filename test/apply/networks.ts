/**
 * Pairs of commits between which keys change hands: endpoints that swap addresses or identities, come and go,
 * beside random resources of every kind.
 */
import fc from 'fast-check';
import { compileState } from '../../src/layout/compile.js';
import { idOf, type Resource } from '../../src/model/resource.js';
import { LAYOUT } from '../diff/test-store.js';
import { cidr, resource, workload } from '../helpers/build-resources.js';
import { anyResource } from '../layout/arbitraries.js';

export const POOL = resource('IPPool', 'main', {
  cidr: cidr('192.168.0.0/16'),
  natOutgoing: true,
  disabled: false,
  ipipMode: 'Never',
  vxlanMode: 'Never',
  disableBGPExport: false,
});

const SIZE = 6;
const places = fc.shuffledSubarray(
  Array.from({ length: SIZE }, (_, index) => index),
  { minLength: SIZE },
);

/** Endpoints w0, w1, ... of which each may be missing; which address and which workload id each has is dealt out. */
const endpoints = fc
  .tuple(places, places, fc.array(fc.boolean(), { minLength: SIZE, maxLength: SIZE }))
  .map(([addresses, ids, present]) =>
    addresses.flatMap((address, index): Resource[] => {
      if (!present[index]) return [];
      const made = workload(`w${index}`, { addresses: [`192.168.0.${address + 1}`], profiles: ['web'] });
      return [{ ...made, spec: { ...made.spec, workload: `id-${ids[index]}` } }];
    }),
  );

const others = fc.array(anyResource, { maxLength: 4 });

const commit = fc
  .tuple(endpoints, others, fc.boolean())
  .map(([some, more, pooled]) => withoutConflicts([...(pooled ? [POOL] : []), ...some, ...more]));

/** Two commits, some of whose random resources are the same. */
export const twoCommits = fc
  .tuple(commit, commit, fc.infiniteStream(fc.boolean()))
  .map(([first, fresh, keep]) => ({
    first,
    second: withoutConflicts([
      ...fresh,
      ...first.filter(({ kind }) => kind !== 'IPPool' && keep.next().value),
    ]),
  }));

/** Endpoints `w0`, `w1`, ..., the address of each moved on by `shift`. */
export function ring(count: number, shift: number): Resource[] {
  const address = (index: number): string => `192.168.${Math.floor(index / 250)}.${(index % 250) + 1}`;
  return [
    POOL,
    ...Array.from({ length: count }, (_, index) =>
      workload(`w${index}`, { addresses: [address((index + shift) % count)] }),
    ),
  ];
}

/** Of resources that claim each other's keys the first stays. */
export function withoutConflicts(resources: readonly Resource[]): Resource[] {
  const kept = new Map<string, Resource>();
  for (const one of resources) if (!kept.has(idOf(one))) kept.set(idOf(one), one);
  for (;;) {
    const [problem] = compileState(
      new Map([...kept.values()].map((one) => [idOf(one), one])),
      LAYOUT,
    ).diagnostics;
    if (!problem) return [...kept.values()];
    const rival = [...kept].findLast(([, { origin }]) => origin === problem.origin);
    if (!rival) throw new TypeError(`no resource has the problem: ${problem.message}`);
    kept.delete(rival[0]);
  }
}
