/**
 * Which settings are in force on a host, field by field, and that one which cannot be read costs itself
 * alone. A table of AgentConfigurations.
 */
import test from 'ava';
import { DEFAULT_AGENT_SETTINGS } from '../../../src/agent/calc/agent-settings.js';
import { type ResolvedSettings, SettingsResolver } from '../../../src/agent/calc/settings-resolver.js';
import type { SpecOf } from '../../../src/model/resource.js';
import { resource, storedId } from '../../helpers/build-resources.js';

type Spec = SpecOf<'AgentConfiguration'>;

function resolve(specs: Readonly<Record<string, Spec>>) {
  const resolved: ResolvedSettings[] = [];
  const resolver = new SettingsResolver('host-1', (settings) => resolved.push(settings));
  for (const [name, spec] of Object.entries(specs)) {
    const configuration = resource('AgentConfiguration', name, spec);
    resolver.onAgentConfiguration(storedId(configuration), configuration, undefined);
  }
  resolver.flush();
  return { resolved, resolver };
}

const changes = test.macro({
  exec(t, specs: Readonly<Record<string, Spec>>, expected: Partial<typeof DEFAULT_AGENT_SETTINGS>) {
    t.deepEqual(resolve(specs).resolved, [
      { settings: { ...DEFAULT_AGENT_SETTINGS, ...expected }, bgp: true },
    ]);
  },
  title: (title = '') => `SettingsResolver ${title}`,
});
test('starts from what is built in', changes, {}, {});
test('takes what default says', changes, { default: { interfacePrefix: 'tap' } }, { interfacePrefix: 'tap' });
test(
  'lets the host override default field by field, whichever came first',
  changes,
  {
    'node.host-1': { reportingInterval: '5s' },
    default: { reportingInterval: '1m', routeRefreshInterval: '2m' },
  },
  { reportingMs: 5_000, routeRefreshMs: 120_000 },
);
test('ignores what is said of other hosts', changes, { 'node.host-2': { interfacePrefix: 'tap' } }, {});
test(
  'falls back to default where the host has a duration that cannot be read',
  changes,
  { default: { reportingInterval: '30s' }, 'node.host-1': { reportingInterval: 'soon' } },
  { reportingMs: 30_000 },
);

test('SettingsResolver says which duration cannot be read, until it can', (t) => {
  const { resolver } = resolve({ default: { ipsetsRefreshInterval: 'soon' } });
  t.deepEqual([...resolver.problems], [
    [
      'AgentConfiguration/default',
      'ipsetsRefreshInterval "soon" is not a duration and is ignored; write it as 90s or 2m',
    ],
  ] as unknown[]);
  const repaired = resource('AgentConfiguration', 'default', { ipsetsRefreshInterval: '9s' });
  resolver.onAgentConfiguration(storedId(repaired), repaired, undefined);
  t.is(resolver.problems.size, 0);
});

test('SettingsResolver keeps this host out of BGP when bgpMode is none', (t) => {
  t.false(resolve({ default: { bgpMode: 'none' } }).resolved[0]?.bgp);
  t.true(resolve({ default: { bgpMode: 'none' }, 'node.host-1': { bgpMode: 'system' } }).resolved[0]?.bgp);
});

test('SettingsResolver says nothing when nothing changed', (t) => {
  const { resolved, resolver } = resolve({});
  resolver.flush();
  t.is(resolved.length, 1);
});
