/** What rules know an endpoint by: its own labels, and what its profiles add. By example. */
import test from 'ava';
import { endpointLabels, endpointTags } from '../../src/policy/endpoint-labels.js';
import { profileFrom } from '../../src/policy/policy.js';
import { resource } from '../helpers/build-resources.js';

const red = profileFrom(
  resource('Profile', 'red', { labelsToApply: { colour: 'red', a: '1' }, tags: ['x', 'y'] }),
);
const blue = profileFrom(
  resource('Profile', 'blue', { labelsToApply: { colour: 'blue', b: '2' }, tags: ['y'] }),
);

test('endpointLabels() adds the labels that profiles apply', (t) => {
  t.deepEqual({ ...endpointLabels({ own: '0' }, [red]) }, { own: '0', colour: 'red', a: '1' });
});

test("endpointLabels() prefers the endpoint's own value", (t) => {
  t.is(endpointLabels({ colour: 'green' }, [red, blue]).colour, 'green');
});

test('endpointLabels() prefers the profile that is named first', (t) => {
  t.is(endpointLabels({}, [red, blue]).colour, 'red');
  t.is(endpointLabels({}, [blue, red]).colour, 'blue');
});

test('endpointLabels() takes __proto__ for a label like any other', (t) => {
  const labels = endpointLabels(JSON.parse('{"__proto__":"x"}'), []);
  t.deepEqual(Object.entries(labels), [['__proto__', 'x']]);
});

test('endpointTags() are the tags of all profiles', (t) => {
  t.deepEqual(endpointTags([red, blue]), new Set(['x', 'y']));
});
