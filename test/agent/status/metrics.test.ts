import test from 'ava';
import { AgentMetrics } from '../../../src/agent/status/metrics.js';
import type { Exec } from '../../../src/kernel/exec.js';
import { HEAD, revision, SESSION_DOWN, WELL } from './facts-fixture.js';

/** The samples of the metrics whose names begin so. */
async function samples(metrics: AgentMetrics, name: string): Promise<readonly string[]> {
  const lines = (await metrics.metrics()).split('\n');
  return lines.filter((line) => line.startsWith(name));
}

test('the commit of each source is a label, and only the present one is there', async (t) => {
  const metrics = new AgentMetrics();
  metrics.setFacts(WELL);
  metrics.setFacts({
    ...WELL,
    applied: { revision: revision(8), heads: new Map([['default', { ...HEAD, seq: 5, commit: 'decade' }]]) },
  });
  t.deepEqual(await samples(metrics, 'heddle_commit_info'), [
    'heddle_commit_info{source="default",commit="decade",seq="5"} 1',
  ]);
});

test('BGP sessions are counted by state, Established always', async (t) => {
  const metrics = new AgentMetrics();
  metrics.setFacts(WELL);
  metrics.setFacts({ ...WELL, bgp: SESSION_DOWN });
  t.deepEqual(await samples(metrics, 'heddle_bgp_sessions'), [
    'heddle_bgp_sessions{state="Established"} 0',
    'heddle_bgp_sessions{state="Active"} 1',
  ]);
});

test('felix_resync_state goes from waiting by reading to in sync', async (t) => {
  const metrics = new AgentMetrics();
  metrics.setFacts({ ...WELL, received: undefined, datastoreAway: 'refused' });
  t.deepEqual(await samples(metrics, 'felix_resync_state'), ['felix_resync_state 1']);
  metrics.setFacts({ ...WELL, received: undefined });
  t.deepEqual(await samples(metrics, 'felix_resync_state'), ['felix_resync_state 2']);
  metrics.setFacts(WELL);
  t.deepEqual(await samples(metrics, 'felix_resync_state'), ['felix_resync_state 3']);
});

test('the state of the host is a label', async (t) => {
  const metrics = new AgentMetrics();
  metrics.setFacts({ ...WELL, failures: [{ object: 'route', message: 'no' }] });
  t.true((await samples(metrics, 'heddle_host_state')).includes('heddle_host_state{state="failed"} 1'));
  t.true((await samples(metrics, 'heddle_host_state')).includes('heddle_host_state{state="live"} 0'));
});

test("sizes go by Felix's names, and an unknown size is absent", async (t) => {
  const metrics = new AgentMetrics();
  metrics.setFacts({ ...WELL, counts: { localEndpoints: 3, clusterHosts: 2 } });
  t.deepEqual(await samples(metrics, 'felix_active_local_endpoints'), ['felix_active_local_endpoints 3']);
  t.deepEqual(await samples(metrics, 'felix_cluster_num_'), ['felix_cluster_num_hosts 2']);
});

test('applies are timed, and their failures counted', async (t) => {
  const metrics = new AgentMetrics();
  metrics.observeApply(0.25, 0);
  metrics.observeApply(0.5, 2);
  t.deepEqual(await samples(metrics, 'felix_int_dataplane_apply_time_seconds_'), [
    'felix_int_dataplane_apply_time_seconds_sum 0.75',
    'felix_int_dataplane_apply_time_seconds_count 2',
  ]);
  t.deepEqual(await samples(metrics, 'felix_int_dataplane_failures'), ['felix_int_dataplane_failures 2']);
});

test('countingExec() counts runs, lines and failures of the packet filter, and hands everything through', async (t) => {
  const metrics = new AgentMetrics();
  const failure = new Error('not found');
  const exec = metrics.countingExec((async (command, args) => {
    if (args[0] === 'throw') throw failure;
    return { code: args[0] === 'fail' ? 2 : 0, stdout: command, stderr: '' };
  }) satisfies Exec);
  t.deepEqual(await exec('iptables-nft-restore', [], { input: '*filter\nCOMMIT\n' }), {
    code: 0,
    stdout: 'iptables-nft-restore',
    stderr: '',
  });
  t.like(await exec('ip6tables-legacy-restore', ['fail'], { input: 'COMMIT\n' }), { code: 2 });
  t.is(await t.throwsAsync(exec('iptables-save', ['throw'])), failure);
  await exec('ipset', ['list']);
  await exec('ip', ['link']);
  t.deepEqual(
    [...(await samples(metrics, 'felix_iptables_')), ...(await samples(metrics, 'felix_ipset_'))],
    [
      'felix_iptables_restore_calls 2',
      'felix_iptables_restore_errors 1',
      'felix_iptables_lines_executed 3',
      'felix_iptables_save_calls 1',
      'felix_iptables_save_errors 1',
      'felix_ipset_calls 1',
      'felix_ipset_errors 0',
      'felix_ipset_lines_executed 0',
    ],
  );
});
