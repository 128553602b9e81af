/**
 * Metrics have Felix's names where it has them, and what measures the kernel changes nothing that passes
 * through. Against a kernel in memory and fake programs.
 */
import test from 'ava';
import { AgentMetrics } from '../../../src/agent/status/metrics.js';
import type { Exec } from '../../../src/kernel/exec.js';
import type { KernelNeighbor, KernelRoute } from '../../../src/kernel/rtnetlink.js';
import type { Address, Cidr } from '../../../src/model/address.js';
import { FakeRtNetlink } from '../../helpers/fake-rtnetlink.js';
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

test('each BGP session says whether it is up, and how many routes it carries either way', async (t) => {
  const metrics = new AgentMetrics();
  metrics.setFacts({ ...WELL, bgp: SESSION_DOWN });
  const labels = 'session="Mesh_10_0_0_2",peer="host-2",family="4"';
  t.deepEqual(await samples(metrics, 'heddle_bgp_session_'), [
    `heddle_bgp_session_established{${labels}} 0`,
    `heddle_bgp_session_routes{${labels},direction="in"} 2`,
    `heddle_bgp_session_routes{${labels},direction="out"} 1`,
  ]);
  metrics.setFacts({ ...WELL, bgp: { configured: 0, established: 0, sessions: [] } });
  t.deepEqual(await samples(metrics, 'heddle_bgp_session_'), []);
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
  metrics.observeApply(0.25, 0, 0);
  metrics.observeApply(0.5, 2, 3);
  t.deepEqual(await samples(metrics, 'felix_int_dataplane_apply_time_seconds_'), [
    'felix_int_dataplane_apply_time_seconds_sum 0.75',
    'felix_int_dataplane_apply_time_seconds_count 2',
  ]);
  t.deepEqual(await samples(metrics, 'felix_int_dataplane_failures'), ['felix_int_dataplane_failures 2']);
  t.deepEqual(await samples(metrics, 'heddle_dataplane_drift'), ['heddle_dataplane_drift 3']);
});

test('a calculation is timed, and its messages counted by type; one that changed nothing is neither', async (t) => {
  const metrics = new AgentMetrics();
  metrics.observeCalculation(0.5, [
    { type: 'policy-update' },
    { type: 'policy-update' },
    { type: 'pool-update' },
  ]);
  metrics.observeCalculation(9, []);
  t.deepEqual(await samples(metrics, 'felix_calc_graph_update_time_seconds_'), [
    'felix_calc_graph_update_time_seconds_sum 0.5',
    'felix_calc_graph_update_time_seconds_count 1',
  ]);
  t.deepEqual(await samples(metrics, 'felix_int_dataplane_m'), [
    'felix_int_dataplane_msg_batch_size{quantile="0.5"} 3',
    'felix_int_dataplane_msg_batch_size{quantile="0.9"} 3',
    'felix_int_dataplane_msg_batch_size{quantile="0.99"} 3',
    'felix_int_dataplane_msg_batch_size_sum 3',
    'felix_int_dataplane_msg_batch_size_count 1',
    'felix_int_dataplane_messages{type="policy-update"} 2',
    'felix_int_dataplane_messages{type="pool-update"} 1',
  ]);
});

test('timingRoutes() times lists and writes of routes, not of neighbours, and hands everything through', async (t) => {
  let now = 0;
  const metrics = new AgentMetrics(() => now);
  const kernel = new FakeRtNetlink();
  const rtnetlink = metrics.timingRoutes({
    ...{
      links: () => kernel.links(),
      addresses: () => kernel.addresses(),
      forwarding: () => kernel.forwarding(),
      linkEvents: () => undefined,
      pathEvents: () => undefined,
      close: async () => {},
    },
    neighbors: (family) => kernel.neighbors(family),
    async routes(...what) {
      now += 250;
      return kernel.routes(...what);
    },
    async apply(ops) {
      now += 500;
      return kernel.apply(ops);
    },
    [Symbol.asyncDispose]: async () => {},
  });
  const interfaceIndex = kernel.addLink('cali1').index;
  const [destination, to] = ['192.0.2.1/32' as Cidr, '192.0.2.1' as Address];
  const route: KernelRoute = {
    ...{ family: 4, destination, interfaceIndex, gateway: undefined, table: 254, protocol: 80 },
    ...{ scope: 253, type: 1, priority: undefined },
  };
  const neighbor: KernelNeighbor = { family: 4, address: to, interfaceIndex, mac: undefined, state: 128 };
  t.deepEqual(await rtnetlink.apply([{ op: 'create', object: 'route', route }]), [undefined]);
  t.deepEqual(await rtnetlink.apply([{ op: 'replace', object: 'neighbor', neighbor }]), [undefined]);
  t.is((await rtnetlink.routes(4)).length, 1);
  t.deepEqual(await samples(metrics, 'felix_route_table_list_seconds_'), [
    'felix_route_table_list_seconds_sum 0.25',
    'felix_route_table_list_seconds_count 1',
  ]);
  t.deepEqual(await samples(metrics, 'heddle_route_table_write_seconds_'), [
    'heddle_route_table_write_seconds_sum 0.5',
    'heddle_route_table_write_seconds_count 1',
  ]);
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
