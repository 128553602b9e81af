/**
 * Law 5: a packet meets the chains of its own interface, and one of an unknown interface is dropped, after
 * few comparisons. Random names, through the simulator of chains.
 */
import test from 'ava';
import fc from 'fast-check';
import type { Chain } from '../../../../src/agent/dataplane/intent.js';
import { CHAINS, endpointChainName } from '../../../../src/agent/dataplane/rules/chain-names.js';
import { dispatchChains } from '../../../../src/agent/dataplane/rules/dispatch-chains.js';
import { address } from '../batch.js';
import { type SimulatedPacket, simulate } from '../simulator.js';

const arbitraryInterface = fc
  .string({ unit: fc.constantFrom(...'0123ab.-'), minLength: 1, maxLength: 11 })
  .map((suffix) => `cali${suffix}`);

/** Endpoint chains that tell which they are by the mark. */
function withEndpoints(names: readonly string[]): readonly Chain[] {
  return [
    ...dispatchChains({ interfacePrefix: 'cali', interfaceNames: names }),
    ...names.flatMap((name, index) =>
      (['ingress', 'egress'] as const).map(
        (direction): Chain => ({
          table: 'filter',
          name: endpointChainName(direction, name),
          rules: [
            {
              matches: [],
              verdict: {
                type: 'set-mark',
                value: 2 * index + (direction === 'ingress' ? 1 : 2),
                mask: 0xffff,
              },
            },
          ],
        }),
      ),
    ),
  ];
}

function packet(fields: Partial<SimulatedPacket>): SimulatedPacket {
  const end = { address: address('10.0.0.1') };
  return { family: 4, protocol: 47, source: end, destination: end, conntrack: 'NEW', mark: 0, ...fields };
}

test('dispatchChains() leads every interface to its own chains, and drops all others', (t) => {
  fc.assert(
    fc.property(
      fc.uniqueArray(arbitraryInterface, { maxLength: 60, size: 'max' }),
      fc.array(arbitraryInterface, { maxLength: 20 }),
      (names, others) => {
        const chains = withEndpoints(names);
        for (const name of [...names, ...others]) {
          const index = names.indexOf(name);
          const from = simulate(chains, CHAINS.fromWorkload, packet({ inInterface: name }));
          const to = simulate(chains, CHAINS.toWorkload, packet({ outInterface: name }));
          t.is(from.verdict, index === -1 ? 'drop' : 'return');
          t.is(to.verdict, index === -1 ? 'drop' : 'return');
          if (index !== -1) t.deepEqual([to.mark, from.mark], [2 * index + 1, 2 * index + 2]);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('dispatchChains() keeps the number of comparisons small', (t) => {
  const names = Array.from(
    { length: 1000 },
    (_, index) => `cali${(index * 7919).toString(16).padStart(6, '0')}`,
  );
  const longest = Math.max(
    ...dispatchChains({ interfacePrefix: 'cali', interfaceNames: names }).map(({ rules }) => rules.length),
  );
  t.true(longest <= 17, `${longest} rules`);
});

test('dispatchChains() without interfaces drops everything', (t) => {
  const [from] = dispatchChains({ interfacePrefix: 'cali', interfaceNames: [] });
  t.deepEqual(from?.rules, [{ matches: [], verdict: { type: 'drop' }, comment: 'Unknown interface' }]);
});
