/**
 * The order of a plan, so that a series may stop anywhere: no kind is missing from it, and one example mixes
 * the actions.
 */
import test from 'ava';
import { CHANGE_ORDER, orderChanges } from '../../src/diff/change-order.js';
import type { ChangeAction } from '../../src/diff/plan-types.js';
import { KIND_NAMES } from '../../src/model/kinds.js';
import type { Kind } from '../../src/model/resource.js';
import { change } from './build-plan.js';

test('CHANGE_ORDER names every kind once', (t) => {
  t.deepEqual([...CHANGE_ORDER].sort(), [...KIND_NAMES].sort());
});

test('orderChanges() puts what is referred to first, deletions last and reversed, and the unmanaged at the end', (t) => {
  const given: readonly [ChangeAction, Kind, string][] = [
    ['unmanaged', 'IPPool', 'theirs'],
    ['delete', 'IPPool', 'old'],
    ['delete', 'WorkloadEndpoint', 'old-b'],
    ['create', 'WorkloadEndpoint', 'w2'],
    ['delete', 'WorkloadEndpoint', 'old-a'],
    ['blocked', 'Profile', 'p'],
    ['drift', 'WorkloadEndpoint', 'w1'],
    ['update', 'Node', 'n'],
    ['create', 'IPPool', 'new'],
  ];
  const ordered = orderChanges(given.map(([action, kind, name]) => change(action, kind, name)));
  t.deepEqual(
    ordered.map(({ action, name }) => `${action} ${name}`),
    [
      'create new',
      'update n',
      'blocked p',
      'drift w1',
      'create w2',
      'delete old-b',
      'delete old-a',
      'delete old',
      'unmanaged theirs',
    ],
  );
});
