/** Which texts are BGP communities, standard or large, with every number in its range: a table. */
import test from 'ava';
import { isCommunity } from '../../src/model/community.js';

for (const text of ['0:0', '65000:1', '65535:65535', '0:0:0', '4294967295:4294967295:4294967295'])
  test(`isCommunity() takes ${text}`, (t) => t.true(isCommunity(text)));

for (const text of [
  '99999:1',
  '1:65536',
  '1:2:4294967296',
  '01:1',
  '1',
  '1:2:3:4',
  '1:',
  ':1',
  'a:b',
  '-1:1',
  '',
])
  test(`isCommunity() refuses ${JSON.stringify(text)}`, (t) => t.false(isCommunity(text)));
