/**
 * The sizes that an agent reports, in its status under these names and as metrics under Felix's.
 *
 * A host reports what it knows; a size that nobody set is absent, not 0.
 */
export const COUNTS = {
  localEndpoints: { metric: 'felix_active_local_endpoints', help: 'Endpoints on this host.' },
  localPolicies: {
    metric: 'felix_active_local_policies',
    help: 'Policies that apply to an endpoint of this host.',
  },
  localSelectors: {
    metric: 'felix_active_local_selectors',
    help: 'Selectors in rules of this host, each of which is a set.',
  },
  localTags: {
    metric: 'felix_active_local_tags',
    help: 'Tags in rules of this host, each of which is a set.',
  },
  localProfiles: {
    metric: 'heddle_active_local_profiles',
    help: 'Profiles that an endpoint of this host names.',
  },
  clusterHosts: { metric: 'felix_cluster_num_hosts', help: 'Nodes in the store.' },
  clusterWorkloadEndpoints: {
    metric: 'felix_cluster_num_workload_endpoints',
    help: 'Workload endpoints in the store, on all hosts.',
  },
  clusterHostEndpoints: {
    metric: 'felix_cluster_num_host_endpoints',
    help: 'Host endpoints in the store, on all hosts.',
  },
  clusterPolicies: { metric: 'felix_cluster_num_policies', help: 'Policies in the store.' },
  clusterProfiles: { metric: 'felix_cluster_num_profiles', help: 'Profiles in the store.' },
  ipSets: { metric: 'felix_ipsets_calico', help: 'IP sets of ours in the kernel, both families.' },
  allIpSets: {
    metric: 'felix_ipsets_total',
    help: 'IP sets in the kernel, those of others too, both families.',
  },
  iptablesChains: {
    metric: 'felix_iptables_chains',
    help: 'Chains of ours in the kernel, all tables, both families.',
  },
  iptablesRules: {
    metric: 'felix_iptables_rules',
    help: 'Rules of ours in the kernel, all tables, both families.',
  },
  routes: { metric: 'heddle_routes', help: 'Routes of ours in the kernel, both families.' },
  waiting: {
    metric: 'heddle_waiting_objects',
    help: 'Routes, neighbour entries and sysctls of endpoints whose interface is not there or is down.',
  },
} as const satisfies Readonly<Record<string, { readonly metric: string; readonly help: string }>>;

export type CountName = keyof typeof COUNTS;
export type Counts = { readonly [K in CountName]?: number };
