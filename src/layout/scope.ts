/**
 * Configurations that hold for all hosts or for one: named `default`, or `node.<name>`, as in Calico v3.
 */
import type { Kind } from '../model/resource.js';
import { escapeName, idSegments, storedId, unescapeName } from './escape.js';
import type { StoredId } from './layout.js';

export type Scope = { readonly type: 'global' } | { readonly type: 'node'; readonly node: string };

/** The scope that a name stands for; undefined for a name that is neither form. */
export function parseScope(name: string): Scope | undefined {
  if (name === 'default') return { type: 'global' };
  return name.startsWith(NODE_PREFIX) && name.length > NODE_PREFIX.length
    ? { type: 'node', node: name.slice(NODE_PREFIX.length) }
    : undefined;
}

/** @throws {TypeError} for a name that is no scope; `compileState` has refused it before. */
export function scopeOf(name: string): Scope {
  const scope = parseScope(name);
  if (!scope) throw new TypeError(`Neither "default" nor "node.<name>": ${name}`);
  return scope;
}

export function scopeName(scope: Scope): string {
  return scope.type === 'global' ? 'default' : `${NODE_PREFIX}${scope.node}`;
}

/** `Kind/default` or `Kind/node.<name>`. */
export function scopeId(kind: Kind, scope: Scope): StoredId {
  return storedId(kind, escapeName(scopeName(scope)));
}

export function scopeOfId(id: StoredId): Scope {
  return scopeOf(unescapeName(idSegments(id)[0] ?? ''));
}

const NODE_PREFIX = 'node.';
