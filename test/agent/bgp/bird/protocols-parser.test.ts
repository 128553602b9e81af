/**
 * What the status says of sessions comes from BIRD's own words: a recorded answer of BIRD 2.0.12, shortened,
 * and what is read from it.
 */
import test from 'ava';
import { parseProtocols } from '../../../../src/agent/bgp/bird/protocols-parser.js';

/** As BIRD 2.0.12 sends it for the configuration of a host with two peers, shortened. */
const RECORDED = `2002 Name       Proto      Table      State  Since         Info
1002 heddle_device Device     ---        up     2026-11-22T19:18:47.123+0000  
1006   Description:    heddle configuration 0123456789abcdef
1006 
1002 heddle_kernel_4 Kernel     master4    up     2026-11-22T19:18:47.123+0000  
1006   Channel ipv4
1006     State:          UP
1006     Table:          master4
1006     Routes:         3 imported, 1 exported, 3 preferred
1006     Route change stats:     received   rejected   filtered    ignored   accepted
1006       Import updates:              7          0          0          0          7
1006 
1002 Mesh_10_99_0_1 BGP        ---        up     2026-11-22T19:18:47.123+0000  Established   
1006   Description:    host-1
1006   BGP state:          Established
1006     Neighbor address: 10.99.0.1
1006     Neighbor AS:      64512
1006     Local capabilities
1006       Graceful restart
1006         Restart time: 120
1006     Hold timer:       70.341/90
1006   Channel ipv4
1006     State:          UP
1006     Preference:     100
1006     Routes:         12 imported, 2 filtered, 5 exported, 12 preferred
1006     BGP Next hop:   10.99.0.2
1006 
1002 Mesh_fd99__3 BGP        ---        start  2026-11-22T19:19:08.000+0000  Passive       Socket: Connection closed
1006   Description:    State: of the art
1006   BGP state:          Passive
1006     Neighbor address: fd99::3
1006     Neighbor graceful restart active
1006     Restart timer:    118.996/-
1006     Last error:       Socket: Connection closed
1006   Channel ipv6
1006     State:          START
1006     Table:          master6
1006 
0000 `;

const lines = (text: string) =>
  text.split('\n').map((line) => ({ code: Number(line.slice(0, 4)), text: line.slice(5) }));

test('parseProtocols() reads protocols, sessions and channels as BIRD 2.0.12 shows them', (t) => {
  t.deepEqual(parseProtocols(lines(RECORDED)), [
    {
      name: 'heddle_device',
      type: 'Device',
      state: 'up',
      since: '2026-11-22T19:18:47.123Z',
      description: 'heddle configuration 0123456789abcdef',
      channels: [],
    },
    {
      name: 'heddle_kernel_4',
      type: 'Kernel',
      state: 'up',
      since: '2026-11-22T19:18:47.123Z',
      description: undefined,
      channels: [{ name: 'ipv4', imported: 3, exported: 1 }],
    },
    {
      name: 'Mesh_10_99_0_1',
      type: 'BGP',
      state: 'up',
      since: '2026-11-22T19:18:47.123Z',
      description: 'host-1',
      channels: [{ name: 'ipv4', imported: 12, exported: 5 }],
      bgp: { state: 'Established', lastError: undefined },
    },
    {
      name: 'Mesh_fd99__3',
      type: 'BGP',
      state: 'start',
      since: '2026-11-22T19:19:08.000Z',
      description: 'State: of the art',
      channels: [{ name: 'ipv6', imported: 0, exported: 0 }],
      bgp: { state: 'Passive', lastError: 'Socket: Connection closed' },
    },
  ]);
});

test('parseProtocols() takes the state of a session from its row when there are no details', (t) => {
  const [session] = parseProtocols(lines('1002 Mesh_10_0_0_1 BGP --- down 12:34:56.789'));
  t.like(session, { state: 'down', since: undefined, channels: [], bgp: { state: '' } });
});

test('parseProtocols() finds nothing in a reply without protocols', (t) => {
  t.deepEqual(parseProtocols(lines('8003 No protocols match')), []);
  t.deepEqual(parseProtocols([]), []);
});
