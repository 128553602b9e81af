/**
 * Dispatch: from a packet's interface to the chains of its endpoint.
 *
 * netfilter compares interface names one by one, about 20 ns each in nf_tables, and every packet passes here twice.
 * More than eight names are therefore split by their next character into a chain each, and those again: a tree in
 * which a packet meets a few comparisons, however many endpoints there are. All jumps are gotos, so the endpoint's
 * chain returns to whoever called the dispatch. Every chain of the tree ends in a drop: a workload interface that
 * nobody has told us about is closed (law 5).
 */
import type { Chain, ChainName } from '../intent.js';
import { CHAINS, dispatchChainName, endpointChainName } from './chain-names.js';
import { DROP, goTo, rule } from './chain-rule.js';

export interface DispatchInput {
  /** What all names begin with; left out of the names of chains. */
  readonly interfacePrefix: string;
  readonly interfaceNames: Iterable<string>;
}

const FLAT_UP_TO = 8;

/** The chains for both directions, in the table filter. */
export function dispatchChains({ interfacePrefix, interfaceNames }: DispatchInput): readonly Chain[] {
  const names = [...interfaceNames].sort();
  const trees: readonly Tree[] = [
    {
      root: CHAINS.fromWorkload,
      prefix: interfacePrefix,
      match: 'in-interface',
      target: (name) => endpointChainName('egress', name),
    },
    {
      root: CHAINS.toWorkload,
      prefix: interfacePrefix,
      match: 'out-interface',
      target: (name) => endpointChainName('ingress', name),
    },
  ];
  return trees.flatMap((tree) => branch(tree, tree.root, names));
}

interface Tree {
  readonly root: ChainName;
  readonly prefix: string;
  readonly match: 'in-interface' | 'out-interface';
  readonly target: (interfaceName: string) => ChainName;
}

function branch(tree: Tree, chain: ChainName, names: readonly string[]): Chain[] {
  const bins = names.length > FLAT_UP_TO ? binsOf(names) : names.map((name): Bin => [name, [name]]);
  const children = bins.filter(([, members]) => members.length > 1);
  const rules = bins.map(([key, members]) => {
    const [only, second] = members;
    return only !== undefined && second === undefined
      ? rule([{ type: tree.match, name: only, prefix: false }], goTo(tree.target(only)))
      : rule([{ type: tree.match, name: key, prefix: true }], goTo(childName(tree, key)));
  });
  return [
    { table: 'filter', name: chain, rules: [...rules, rule([], DROP, 'Unknown interface')] },
    ...children.flatMap(([key, members]) => branch(tree, childName(tree, key), members)),
  ];
}

type Bin = readonly [key: string, members: readonly string[]];

/** Names that share one character more than all of them do. */
function binsOf(names: readonly string[]): Bin[] {
  const length = commonPrefixLength(names) + 1;
  const bins = new Map<string, string[]>();
  for (const name of names) {
    const key = name.slice(0, length);
    const bin = bins.get(key);
    if (bin) bin.push(name);
    else bins.set(key, [name]);
  }
  return [...bins];
}

/** Of sorted names, the first and the last differ most. */
function commonPrefixLength(names: readonly string[]): number {
  const first = names[0] ?? '';
  const last = names.at(-1) ?? '';
  let length = 0;
  while (length < first.length && first[length] === last[length]) length += 1;
  return length;
}

function childName({ root, prefix }: Tree, key: string): ChainName {
  return dispatchChainName(root, key.slice(prefix.length));
}
