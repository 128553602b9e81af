/**
 * The layout below one root: puts the root in front of what the codecs call a path, and asks them in turn.
 */
import { parseAddress } from '../model/address.js';
import type { Kind, Resource, ResourceOf } from '../model/resource.js';
import type { StoreKey } from '../model/store.js';
import { identifyBlock } from './codecs/ipam-block.js';
import { CODECS, type StoredKind } from './codecs.js';
import { controlKeys, identifyControlPath } from './control-keys.js';
import { parseCidrSegment } from './escape.js';
import { type EncodeContext, type KeyOwner, type Layout, LayoutError, type StoredId } from './layout.js';
import { RESOURCES } from './resource-value.js';

/** @throws {RangeError} for a root that is no absolute path, or that heddle's own keys lie in. */
export function createLayout(root = '/calico'): Layout {
  const problem = rootProblem(root);
  if (problem !== undefined) throw new RangeError(`the root of the layout: ${problem}`);
  return {
    root,
    prefix: `${root}/`,
    keys: controlKeys(root),

    encode(resource, context) {
      return encodeResource(resource, context).map(({ path, value }) => ({
        key: `${root}${path}` as StoreKey,
        value,
      }));
    },

    identify(key) {
      return key.startsWith(`${root}/`) ? identifyPath(key.slice(root.length)) : undefined;
    },

    decode(id, values) {
      const paths = new Map<string, string>();
      for (const [key, value] of values) paths.set(key.slice(root.length), value);
      const rooted = (resource: Resource): Resource => ({
        ...resource,
        origin: { ...resource.origin, file: `${root}${resource.origin.file}` },
      });
      try {
        return rooted(decodeResource(id, paths));
      } catch (thrown) {
        const error = layoutErrorFrom(thrown, paths);
        if (!error.rest) throw error;
        const message = error.message.slice(`${error.path}: `.length);
        throw new LayoutError(error.path, error.value, message, rooted(error.rest));
      }
    },
  };
}

/** Why no layout can lie below a root, as a sentence with the remedy; undefined when one can. */
export function rootProblem(root: string): string | undefined {
  const segments = root.split('/').filter((segment) => segment !== '');
  const wanted = `/${segments.join('/')}`;
  if (segments.length === 0) return `"${root}" names no place in etcd: write a path such as /calico.`;
  if (root !== wanted)
    return `"${root}" is no absolute path without empty parts and final slash: write ${wanted}.`;
  // Host status is kept at /heddle/v1<root>, outside of what agents watch.
  if ('/heddle/v1/'.startsWith(`${root}/`))
    return `"${root}" contains heddle's own keys, which lie below /heddle/v1: write another path, such as /calico.`;
  return undefined;
}

const STORED_KINDS = Object.keys(CODECS) as StoredKind[];

function isStored(kind: Kind): kind is StoredKind {
  return Object.hasOwn(CODECS, kind);
}

function encodeResource(
  resource: Resource,
  context: EncodeContext,
): readonly { path: string; value: string }[] {
  return resource.kind === 'ConnectivityTest' ? [] : encodeStored(resource, context);
}

function encodeStored<K extends StoredKind>(
  resource: ResourceOf<K>,
  context: EncodeContext,
): readonly { path: string; value: string }[] {
  return CODECS[resource.kind].encode(resource, context);
}

function identifyPath(path: string): KeyOwner {
  const control = identifyControlPath(path) ?? identifyAssignment(path) ?? identifyBlock(path);
  if (control) return control;
  for (const kind of STORED_KINDS) {
    const id = CODECS[kind].identify(path);
    if (id !== undefined) return { type: 'resource', kind, id };
  }
  return path.startsWith(RESOURCES)
    ? { type: 'unknown', id: path.slice(RESOURCES.length) as StoredId }
    : { type: 'foreign' };
}

function identifyAssignment(path: string): KeyOwner | undefined {
  const match = /^\/v1\/ipam\/v[46]\/assignment\/([^/]+)\/([^/]+)$/.exec(path);
  const pool = match?.[1] === undefined ? undefined : parseCidrSegment(match[1]);
  const address = match?.[2] === undefined ? undefined : parseAddress(match[2]);
  return pool && address && { type: 'assignment', pool, address };
}

/**
 * Whatever a codec stumbles over in a value of somebody else's is that object's trouble: those who read the whole store
 * go on without it.
 */
function layoutErrorFrom(error: unknown, paths: ReadonlyMap<string, string>): LayoutError {
  if (error instanceof LayoutError) return error;
  const [[path, value] = ['', '']] = paths;
  return new LayoutError(path, value, `cannot be read: ${error instanceof Error ? error.message : error}`);
}

/** @throws {TypeError} for an id of no stored kind, which `identify` never gives. */
function decodeResource(id: StoredId, paths: ReadonlyMap<string, string>): Resource {
  const kind = id.slice(0, id.indexOf('/')) as Kind;
  if (!isStored(kind)) throw new TypeError(`Not an id of a stored object: ${id}`);
  return CODECS[kind].decode(id, paths);
}
