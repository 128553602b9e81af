/**
 * Sets have the ids that Felix gives them, whatever words a selector is written in: against ids written down
 * here.
 */
import test from 'ava';
import { selectorSet, tagSet } from '../../../src/agent/calc/ip-set-definition.js';
import { selector } from '../../helpers/build-resources.js';

test("selectorSet() has Felix's id for all()", (t) => {
  t.is(selectorSet(selector('all()')).id as string, 's:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug');
});

test('selectorSet() gives one id to selectors that differ in words only', (t) => {
  t.is(selectorSet(selector("a=='1'")).id, selectorSet(selector(' a == "1" ')).id);
});

test('tagSet() hashes the tag after t:, as Felix does', (t) => {
  t.is(tagSet('web').id as string, 't:eAC-Np_aVB4JaeFOBCyalJLbjugMuSkPMHCbnA');
});

test('a tag and a selector of the same text are different sets', (t) => {
  t.not(selectorSet(selector('has(web)')).id, tagSet('has(web)').id);
});

test('sets of selectors take networks, sets of tags addresses', (t) => {
  t.is(selectorSet(selector('all()')).type, 'hash:net');
  t.is(tagSet('web').type, 'hash:ip');
});
