/**
 * Configurations that hold for all hosts or for one: named `default`, or `node.<name>`, as in Calico v3.
 */
export type Scope = { readonly type: 'global' } | { readonly type: 'node'; readonly node: string };

const NODE_PREFIX = 'node.';

/** The scope that a name stands for; undefined for a name that is neither form. */
export function parseScope(name: string): Scope | undefined {
  if (name === 'default') return { type: 'global' };
  return name.startsWith(NODE_PREFIX) && name.length > NODE_PREFIX.length
    ? { type: 'node', node: name.slice(NODE_PREFIX.length) }
    : undefined;
}

export function scopeName(scope: Scope): string {
  return scope.type === 'global' ? 'default' : `${NODE_PREFIX}${scope.node}`;
}
