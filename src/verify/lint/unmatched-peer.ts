/** BGPPeers that make no session, because their selectors pick no host. */
import type { Finding } from '../../model/diagnostic.js';
import { idOf, resourcesOf } from '../../model/resource.js';
import { labelKeys } from '../../model/selector/ast.js';
import { matchesSelector } from '../../model/selector/evaluate.js';
import { selectorAst } from '../../model/selector/selector.js';
import type { LintContext } from './lint-context.js';
import { knownLabels, nearMiss } from './near-miss.js';

export function* checkPeers({ resources }: LintContext): Generator<Finding, void> {
  const hosts = [...resourcesOf(resources, 'Node'), ...resourcesOf(resources, 'RouteReflector')].map(
    ({ metadata }) => metadata,
  );
  for (const peer of resourcesOf(resources, 'BGPPeer'))
    for (const field of ['nodeSelector', 'peerSelector'] as const) {
      const text = peer.spec[field];
      if (text === undefined) continue;
      const node = selectorAst(text);
      if (hosts.some(({ labels }) => matchesSelector(node, labels))) continue;
      yield {
        code: 'unmatched-selector',
        resource: idOf(peer),
        path: ['spec', field],
        value: text,
        message: `${field} picks no Node and no RouteReflector, so the peer makes no session`,
        hint:
          nearMiss(node, knownLabels(hosts, labelKeys(node))) ?? 'Correct it, or give the label to a Node',
      };
    }
}
