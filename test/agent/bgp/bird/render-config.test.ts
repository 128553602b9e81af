/**
 * What we write for BIRD is as in test/golden/bird, and BIRD itself takes it (`bird -p` of BIRD 2, and both
 * daemons of 1.6). Random names and addresses never become syntax.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { bird1 } from '../../../../src/agent/bgp/bird/dialect.js';
import {
  type BirdConfigOptions,
  digestOf,
  renderBirdConfig,
  renderIdleBirdConfig,
} from '../../../../src/agent/bgp/bird/render-config.js';
import { exec } from '../../../../src/kernel/exec.js';
import { addressFromBits, IP_FAMILIES } from '../../../../src/model/address.js';
import { unfitForBgp } from '../../../../src/model/bgp-address.js';
import { bgpModelFor } from '../../../../src/topology/bgp.js';
import { BIRD1_PROGRAMS } from '../../../helpers/bird1.js';
import { address, type NetworkText, network, topologyInput } from '../../../topology/topology-fixture.js';

const OPTIONS: BirdConfigOptions = {
  log: { to: 'file', path: '/var/lib/heddle/bird/bird.log' },
  deviceRouteProtocol: 80,
  passwordOf: () => 's3cret # no comment',
};
const POOLS = { '10.65.0.0/16': {}, '192.168.0.0/16': {}, 'fd65::/48': {} };

function render(node: string, network: NetworkText, options = OPTIONS): string {
  const model = bgpModelFor(node, topologyInput(network));
  if (!model) throw new Error(`${node} has no BGP`);
  return renderBirdConfig(model, options);
}

/** What BIRD itself says of the text: '' when it has nothing against it. */
async function birdCheck(text: string, program = 'bird'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `heddle-bird-${process.pid}-`));
  try {
    const file = join(folder, 'bird.conf');
    await writeFile(file, text);
    const { code, stderr } = await exec(program, ['-p', '-c', file]);
    return code === 0 ? '' : `exit ${code}: ${stderr}\n${text}`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Written by `draw`, so that each is there in every dialect. */
const GOLDEN: Readonly<Record<string, (draw: typeof render, options: BirdConfigOptions) => string>> = {
  mesh: (draw) =>
    draw('host-2', {
      nodes: {
        'host-1': { v4: '10.0.0.1/24', v6: 'fd00::1/64' },
        'host-2': { v4: '10.0.0.2/24', v6: 'fd00::2/64' },
        'host-3': { v4: '10.0.0.3/24' },
      },
      pools: POOLS,
    }),
  'own-as-and-port': (draw) =>
    draw('a', {
      nodes: { a: { v4: '10.0.0.1/24', as: 65001 }, b: { v4: '10.0.0.2/24', as: 4_200_000_001 } },
      bgp: { default: { listenPort: 1790 }, 'node.b': { listenPort: 179 } },
      pools: POOLS,
    }),
  'hidden-pools': (draw) =>
    draw('a', {
      nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } },
      pools: {
        ...POOLS,
        '10.65.7.0/24': { disableBGPExport: true },
        'fd66::/48': { disableBGPExport: true },
      },
    }),
  blocks: (draw) =>
    draw('a', {
      nodes: { a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' }, b: { v4: '10.0.0.2/24', v6: 'fd00::2/64' } },
      pools: POOLS,
      blocks: {
        '10.65.1.0/26': { a: 'confirmed' },
        '10.65.1.64/26': { a: 'confirmed' },
        '10.65.2.0/26': { a: 'pending' },
        '10.65.3.0/26': { a: 'pendingDeletion' },
        '10.65.4.0/26': { b: 'confirmed' },
        '10.65.5.5/32': { a: 'confirmed' },
        'fd65::40/122': { a: 'pending' },
        'fd65::80/122': { a: 'confirmed' },
        'fd65::1/128': { a: 'confirmed' },
      },
    }),
  'kept-routes': (draw) =>
    draw(
      'a',
      {
        nodes: { a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' } },
        peers: { b: { node: 'a', peerIP: '10.0.0.2', asNumber: 64512, filters: ['all'] } },
        filters: { all: { exportV4: [{ action: 'Accept' }] } },
        pools: POOLS,
      },
      {
        ...OPTIONS,
        keptRoutes: [
          { destination: network('10.65.2.1/32'), gateway: address('10.0.0.2') },
          { destination: network('10.65.3.0/26'), gateway: address('10.0.0.3') },
          { destination: network('fd65::2/128'), gateway: address('fd00::2') },
        ],
      },
    ),
  'alone-without-pools': (draw) => draw('a', { nodes: { a: { v4: '10.0.0.1/24' } } }),
  'log-debug': (draw) =>
    draw(
      'a',
      { nodes: { a: { v4: '10.0.0.1/24' } }, bgp: { default: { logSeverityScreen: 'Debug' } }, pools: POOLS },
      { ...OPTIONS, log: { to: 'syslog' } },
    ),
  'log-none': (draw) =>
    draw(
      'a',
      { nodes: { a: { v4: '10.0.0.1/24' } }, bgp: { 'node.a': { logSeverityScreen: 'None' } }, pools: POOLS },
      { ...OPTIONS, log: { to: 'stderr' }, deviceRouteProtocol: 3 },
    ),
  peers: (draw) =>
    draw('host-1', {
      nodes: {
        'host-1': { v4: '10.0.0.1/24', v6: 'fd00::1/64' },
        'host-2': { v4: '10.0.0.2/24', v6: 'fd00::2/64' },
      },
      peers: {
        tor: { peerIP: '10.0.0.254', asNumber: 65001 },
        lab: { node: 'host-1', peerIP: '[fd00::254]:1790', asNumber: 65002, localASNumber: 65003 },
      },
      pools: POOLS,
    }),
  'reflecting-node': (draw) =>
    draw('r', {
      nodes: { a: { v4: '10.0.0.1/24' }, r: { v4: '10.0.0.9/24', cluster: '1.0.0.1' } },
      peers: {
        reflectors: { peerSelector: 'has(rr)', nodeSelector: 'all()' },
        r: { node: 'a', peerIP: '10.0.0.9' },
      },
      pools: POOLS,
    }),
  'route-reflector': (draw) =>
    draw('rr-1', {
      nodes: { a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' }, b: { v4: '10.0.0.2/24' } },
      reflectors: {
        'rr-1': { v4: '10.0.0.11', v6: 'fd00::11', cluster: '1.0.0.1' },
        'rr-2': { v4: '10.0.0.12', cluster: '1.0.0.2' },
      },
      bgp: { default: { nodeToNodeMeshEnabled: false } },
      pools: POOLS,
    }),
  options: (draw) =>
    draw('a', {
      nodes: { a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' }, b: { v4: '10.0.0.2/24' } },
      peers: {
        tor: {
          peerIP: '10.0.1.254',
          asNumber: 65001,
          password: { secretKeyRef: { name: 'tor', key: 'password' } },
          reachableBy: address('10.0.0.253'),
          keepaliveTime: '10s',
          maxRestartTime: '2m',
          bfd: true,
          ttlSecurity: 2,
          nextHopMode: 'Self',
          numAllowedLocalASNumbers: 1,
        },
        other: {
          peerIP: 'fd00::254',
          asNumber: 65002,
          sourceAddress: 'None',
          keepOriginalNextHop: true,
          keepaliveTime: '500ms',
        },
      },
      bgp: {
        default: {
          nodeMeshPassword: { file: 'mesh' },
          nodeMeshMaxRestartTime: '90s',
          bindMode: 'NodeIP',
          listenPort: 1790,
          ignoredInterfaces: ['docker*', 'br-*'],
        },
      },
      pools: POOLS,
    }),
  filters: (draw) =>
    draw('a', {
      nodes: { a: { v4: '10.0.0.1/24', v6: 'fd00::1/64' }, b: { v4: '10.0.0.2/24' } },
      peers: {
        tor: { peerIP: '10.0.0.254', asNumber: 65001, filters: ['every-field', 'gone'] },
        'tor-v6': { peerIP: 'fd00::254', asNumber: 64512, filters: ['every-field', 'export.only'] },
      },
      filters: {
        'every-field': {
          exportV4: [
            { action: 'Reject', matchOperator: 'Equal', cidr: network('10.65.7.0/24') },
            {
              action: 'Reject',
              matchOperator: 'NotEqual',
              cidr: network('10.65.7.0/24'),
              prefixLength: { max: 8 },
            },
            {
              action: 'Accept',
              matchOperator: 'In',
              cidr: network('10.65.0.0/16'),
              prefixLength: { min: 24, max: 28 },
              source: 'RemotePeers',
              interface: 'eth*',
              peerType: 'eBGP',
              communities: { values: ['65000:1', '65000:1:2'] },
              asPathPrefix: [65001, 65002],
              priority: 100,
              operations: [
                { addCommunity: { value: '65000:2' } },
                { addCommunity: { value: '65000:2:3' } },
                { prependASPath: { prefix: [64512, 65100] } },
                { setPriority: { value: 200 } },
              ],
            },
            { action: 'Reject' },
          ],
          importV4: [
            {
              action: 'Accept',
              matchOperator: 'NotIn',
              cidr: network('10.0.0.0/8'),
              prefixLength: { min: 8 },
            },
            { action: 'Accept', priority: 100, operations: [{ addCommunity: { value: '65000:5' } }] },
          ],
          importV6: [{ action: 'Accept', peerType: 'iBGP' }],
        },
        'export.only': {
          exportV6: [{ action: 'Accept', matchOperator: 'In', cidr: network('2001:db8::/32') }],
        },
        'nobody-names-me': { exportV4: [{ action: 'Reject' }] },
      },
      bgp: {
        default: {
          communities: [{ name: 'workloads', value: '65000:300' }],
          prefixAdvertisements: [
            { cidr: network('192.168.0.0/16'), communities: ['workloads', '65000:1:300', 'unknown'] },
            { cidr: network('fd65::/48'), communities: ['65000:301'] },
          ],
        },
      },
      pools: POOLS,
    }),
  idle: (_draw, options) => renderIdleBirdConfig(options),
};

for (const [name, golden] of Object.entries(GOLDEN)) {
  const text = () => golden(render, OPTIONS);
  test(`a configuration reads as in test/golden/bird/${name}.conf`, async (t) => {
    const file = fileURLToPath(new URL(`../../../../../test/golden/bird/${name}.conf`, import.meta.url));
    if (process.env.UPDATE_GOLDEN) await writeFile(file, text());
    t.is(text(), await readFile(file, 'utf8'));
  });
  test(`BIRD accepts test/golden/bird/${name}.conf`, async (t) => t.is(await birdCheck(text()), ''));
  for (const family of IP_FAMILIES) {
    const program = family === 4 ? 'bird' : 'bird6';
    test(`${program} of BIRD 1.6 accepts what ${name}.conf is to it`, async (t) => {
      // BIRD 1.6 opens its log to check a configuration.
      const older: Pick<BirdConfigOptions, 'dialect' | 'log'> = {
        dialect: bird1(family),
        log: { to: 'stderr' },
      };
      const text = golden(
        (node, network, options = OPTIONS) => render(node, network, { ...options, ...older }),
        {
          ...OPTIONS,
          ...older,
        },
      );
      t.is(await birdCheck(text, join(BIRD1_PROGRAMS, program)), '');
    });
  }
}

test('renderBirdConfig() carries a digest that changes with whatever else changes', (t) => {
  const network = { nodes: { a: { v4: '10.0.0.1/24' }, b: { v4: '10.0.0.2/24' } }, pools: POOLS };
  const digest = digestOf(render('a', network));
  t.regex(digest ?? '', /^[0-9a-f]{16}$/);
  t.is(digestOf(render('a', network)), digest);
  t.not(digestOf(render('a', { ...network, bgp: { default: { asNumber: 65000 } } })), digest);
  t.is(digestOf('protocol device { description "somebody else"; }'), undefined);
});

test('renderBirdConfig() refuses a log path that BIRD has no way to write', (t) => {
  const at = (path: string) => () =>
    render('a', { nodes: { a: { v4: '10.0.0.1/24' } } }, { ...OPTIONS, log: { to: 'file', path } });
  t.throws(at('/var/log/a"b.log'), {
    instanceOf: RangeError,
    message: /printable ASCII without double quotes/,
  });
  t.throws(at('/var/log/a\n.log'), { instanceOf: RangeError });
  t.throws(at('bird.log'), { instanceOf: RangeError, message: /absolute/ });
  t.notThrows(at('/var/log/with space/bird.log'));
});

/** Names as the schema lets them through, keywords of BIRD among them, and worse: what others may have written. */
const anyName = fc.oneof(
  fc.constantFrom('exp', 'protocol', 'filter', 'table', 'accept', 'a"; }', 'a\nb', '# x', '}', 'Ünï', '"'),
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/),
  fc.string({ minLength: 1, maxLength: 300, unit: 'binary' }),
);
const anyAddress4 = fc
  .bigInt({ min: 0x01000001n, max: 0xdffffffen })
  .map((bits) => addressFromBits(bits, 4))
  .filter((ip) => unfitForBgp(ip) === undefined)
  .map((ip) => `${ip}/24`);
const anyAddress6 = fc
  .bigInt({ min: 0x2000n << 112n, max: (0xfe00n << 112n) - 1n })
  .map((bits) => `${addressFromBits(bits, 6)}/64`);
const anyNode = fc.record(
  { v4: anyAddress4, v6: anyAddress6, as: fc.integer({ min: 1, max: 4_294_967_295 }) },
  { requiredKeys: ['v4'] },
) satisfies fc.Arbitrary<{ v4: string }>;

test('BIRD accepts every node name and address that the model can hold, and sees every session', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(anyName, anyNode), { minLength: 1, maxLength: 6, selector: ([name]) => name }),
      fc.array(fc.oneof(anyAddress4, anyAddress6), { maxLength: 4 }),
      async (nodes, pools) => {
        const network = {
          nodes: Object.fromEntries(nodes),
          pools: Object.fromEntries(pools.map((pool) => [pool, {}])),
        };
        const input = topologyInput(network);
        const [name] = nodes[0] ?? [''];
        const model = bgpModelFor(name, input);
        if (!model) throw new Error('every node here has an IPv4 address');
        const text = renderBirdConfig(model, OPTIONS);
        t.is(text.match(/^protocol bgp /gm)?.length ?? 0, model.sessions.length);
        t.is(await birdCheck(text), '');
      },
    ),
    { numRuns: 60 },
  );
});
