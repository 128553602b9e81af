/**
 * Law 7 for connections: which of them policy would still let in, also translated, masqueraded and announced
 * ones. A table of flows on one host.
 */
import test from 'ava';
import { deniedFlows } from '../../../../src/agent/dataplane/flows/judge-flows.js';
import { PolicedState } from '../../../../src/agent/dataplane/flows/policed-state.js';
import { IP_FAMILIES } from '../../../../src/model/address.js';
import { type FlowOptions, flow, tuple } from '../../../helpers/fake-conntrack.js';
import { address, endpoint, ports, profile, rule, settings, withProfiles } from '../batch.js';

const HOST = '10.99.0.1';
const [CLIENT, WEB, OUTSIDE] = ['10.65.0.1', '10.65.0.2', '192.0.2.1'];
const tcp = (...numbers: readonly number[]) => ({ protocol: 6, destination: { ports: ports(...numbers) } });

/** A client that may do everything but TCP 25, and a web server that takes TCP 80 and echo requests. */
function policed(defaultEndpointToHostAction: 'Drop' | 'Return' | 'Accept' = 'Drop'): PolicedState {
  const state = new PolicedState(IP_FAMILIES);
  const echo = rule('Allow', { protocol: 1, icmp: { type: 8, code: 0 } });
  for (const update of [
    settings({ defaultEndpointToHostAction }),
    profile('client', { egress: [rule('Deny', tcp(25)), rule('Allow')] }),
    profile('web', { ingress: [rule('Allow', tcp(80)), echo] }),
    endpoint('client', 'cali1', { addresses: [address(CLIENT)], egress: withProfiles('client') }),
    endpoint('web', 'cali2', { addresses: [address(WEB)], ingress: withProfiles('web') }),
  ])
    state.onUpdate(update);
  state.completeDeferredWork();
  return state;
}

const judged = test.macro({
  exec(t, verdict: 'kept' | 'cut', source: string, destination: string, options: FlowOptions = {}) {
    const denied = deniedFlows([flow(source, destination, options)], policed(), new Set([address(HOST)]));
    t.is(denied.length === 0 ? 'kept' : 'cut', verdict);
  },
  title: (what) => `deniedFlows(): ${what}`,
});

const to = (destinationPort: number): FlowOptions => ({ sourcePort: 40_000, destinationPort });
test('a flow that both ends allow is kept', judged, 'kept', CLIENT, WEB, to(80));
test('a flow that its destination does not take is cut', judged, 'cut', CLIENT, WEB, to(81));
test('a flow that its source may not begin is cut', judged, 'cut', CLIENT, OUTSIDE, to(25));
test('a flow from elsewhere is judged at its destination', judged, 'cut', OUTSIDE, WEB, to(81));
test('a flow to elsewhere is judged at its source', judged, 'kept', CLIENT, OUTSIDE, to(443));
test('the answers of an allowed flow need no rule', judged, 'kept', OUTSIDE, WEB, to(80));
test('a flow in the other direction is another flow', judged, 'cut', WEB, OUTSIDE, to(80));
test('a flow of nobody here is nobody’s business', judged, 'kept', OUTSIDE, '10.65.9.9', to(81));

const icmp = (type: number): FlowOptions => ({ protocol: 1, icmp: { type, code: 0 } });
test('a ping is judged by the type of its request', judged, 'kept', OUTSIDE, WEB, icmp(8));
test('another ICMP type is cut', judged, 'cut', OUTSIDE, WEB, icmp(13));

test('a masqueraded flow is judged by its first packet', judged, 'kept', CLIENT, OUTSIDE, {
  ...to(443),
  answeredTo: HOST,
});
test('a masqueraded flow that may not begin is cut', judged, 'cut', CLIENT, OUTSIDE, {
  ...to(25),
  answeredTo: HOST,
});
test('a flow whose destination was translated is judged by where it went', judged, 'kept', OUTSIDE, HOST, {
  ...to(8080),
  answeredBy: { address: WEB, port: 80 },
});
test('a flow translated to a port that is not taken is cut', judged, 'cut', OUTSIDE, HOST, {
  ...to(80),
  answeredBy: { address: WEB, port: 8080 },
});

test('the host reaches its workloads whatever policy says', judged, 'kept', HOST, WEB, to(81));
test('a flow to the host is subject to defaultEndpointToHostAction', judged, 'cut', CLIENT, HOST, to(443));
test('an announced flow is judged by the one that announced it', judged, 'kept', CLIENT, WEB, {
  ...to(20_000),
  master: tuple(CLIENT, WEB, 6, 40_000, 80),
});
test('an announced flow goes with the one that announced it', judged, 'cut', CLIENT, WEB, {
  ...to(80),
  master: tuple(CLIENT, WEB, 6, 40_000, 21),
});

for (const action of ['Return', 'Accept'] as const)
  test(`deniedFlows(): a flow to the host is judged by egress rules alone when they are followed by ${action}`, (t) => {
    const [https, smtp] = [flow(CLIENT, HOST, to(443)), flow(CLIENT, HOST, to(25))];
    t.deepEqual(deniedFlows([https, smtp], policed(action), new Set([address(HOST)])), [smtp]);
  });
