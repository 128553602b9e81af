/** Ids of configurations that hold for all hosts or for one. */
import type { Kind } from '../model/resource.js';
import { parseScope, type Scope, scopeName } from '../model/scope.js';
import { escapeName, idSegments, storedId, unescapeName } from './escape.js';
import type { StoredId } from './layout.js';

/** @throws {TypeError} for a name that is no scope; `compileState` has refused it before. */
export function scopeOf(name: string): Scope {
  const scope = parseScope(name);
  if (!scope) throw new TypeError(`Neither "default" nor "node.<name>": ${name}`);
  return scope;
}

/** `Kind/default` or `Kind/node.<name>`. */
export function scopeId(kind: Kind, scope: Scope): StoredId {
  return storedId(kind, escapeName(scopeName(scope)));
}

export function scopeOfId(id: StoredId): Scope {
  return scopeOf(unescapeName(idSegments(id)[0] ?? ''));
}
