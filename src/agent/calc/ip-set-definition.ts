/**
 * Sets of addresses that rules refer to, and their ids.
 *
 * The id is made of what the set is defined by, so that the same selector in two rules, or on two hosts, is the same
 * set. A tag is looked up as `has(tag)` among the tags of an endpoint, which lets one index serve both.
 */
import { createHash } from 'node:crypto';
import { canonicalSelector, type SelectorNode, selectorId } from '../../model/selector/ast.js';
import { type SelectorText, selectorAst } from '../../model/selector/selector.js';
import type { IpSetId, IpSetType } from './updates.js';

export interface IpSetDefinition {
  readonly id: IpSetId;
  readonly type: IpSetType;
  /** What `selector` is asked of. */
  readonly picks: 'labels' | 'tags';
  readonly selector: SelectorNode;
}

/** The addresses of all hosts of both families, whatever rules say. Known by Calico's name. */
export const ALL_HOSTS_SET: Pick<IpSetDefinition, 'id' | 'type'> = {
  id: 'all-hosts-net' as IpSetId,
  type: 'hash:net',
};

/** What asked for a set, by its id; undefined: no rule of people did. */
export function ipSetKind(id: IpSetId): 'selectors' | 'tags' | undefined {
  if (id.startsWith('s:')) return 'selectors';
  return id.startsWith('t:') ? 'tags' : undefined;
}

/** Network sets can be picked too, so networks must fit in. */
export function selectorSet(text: SelectorText): IpSetDefinition {
  const selector = selectorAst(text);
  return {
    id: selectorId(canonicalSelector(selector)) as IpSetId,
    type: 'hash:net',
    picks: 'labels',
    selector,
  };
}

/** Only endpoints have tags, and endpoints have addresses. */
export function tagSet(tag: string): IpSetDefinition {
  const hash = createHash('sha224').update(`t:${tag}`).digest('base64url');
  return {
    id: `t:${hash}` as IpSetId,
    type: 'hash:ip',
    picks: 'tags',
    selector: { type: 'has', label: tag },
  };
}
