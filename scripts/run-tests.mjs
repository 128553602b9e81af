// Runs the stages of the test suite one after the other, all of them even when one fails, and counts.
// Arguments name stages to run; without any, all are run.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const stages = {
  types: ['npx', 'tsc', '--noEmit', '-p', 'tsconfig.json'],
  schemas: ['node', 'scripts/generate-types.mjs', '--check'],
  reference: ['node', 'scripts/generate-reference.mjs', '--check'],
  style: ['npx', 'biome', 'check', '.'],
  unused: ['npx', 'knip'],
  // Every test file that is in no other stage.
  unit: [
    'npx',
    'ava',
    'dist/test/**/*.test.js',
    '!dist/test/netns/**',
    '!dist/test/e2e/**',
    '!dist/test/qemu/**',
  ],
  // A network namespace of its own for each run: what the tests do to links and rules goes with it.
  // Should a file be ended for its time, the next ones find what it left there: so it has plenty.
  netns: [
    ...['unshare', '--net', 'npx', 'ava', '--concurrency=1', '--timeout=300s'],
    'dist/test/netns/**/*.test.js',
  ],
  // On another kernel, for what this one may lack.
  qemu: ['sh', 'scripts/qemu.sh'],
  e2e: ['npx', 'ava', '--concurrency=1', '--timeout=300s', 'dist/test/e2e/**/*.test.js'],
};

/** Unpacked by bootstrap.sh. */
const BIRD_1 = new URL('../.build/bird-1.6/usr/sbin/bird', import.meta.url);

const CAPABILITIES = [
  ['root', () => process.getuid() === 0],
  ['network namespaces', () => succeeds('unshare', ['--net', 'true'])],
  ['ipset', () => succeeds('unshare', ['--net', 'ipset', 'list', '-name'])],
  ['iptables (nft)', () => succeeds('unshare', ['--net', 'iptables-nft-save'])],
  ['iptables (legacy)', () => succeeds('unshare', ['--net', 'iptables-legacy-save'])],
  ['etcd', () => succeeds('etcd', ['--version'])],
  ['BIRD 2', () => succeeds('bird', ['--version'])],
  ['etcdctl', () => succeeds('etcdctl', ['version'])],
  ['git', () => succeeds('git', ['--version'])],
  ['sshd', () => succeeds('test', ['-x', '/usr/sbin/sshd'])],
  ['ssh', () => succeeds('ssh', ['-V'])],
  ['ip (iproute2)', () => succeeds('ip', ['-Version'])],
  ['conntrack', () => succeeds('conntrack', ['--version'])],
  ['ping', () => succeeds('ping', ['-V'])],
  ['openssl', () => succeeds('openssl', ['version'])],
  ['FRR', () => succeeds('test', ['-x', '/usr/lib/frr/bgpd'])],
  ['GoBGP', () => succeeds('gobgpd', ['--version'])],
  ['OpenBGPD', () => succeeds('test', ['-x', '/usr/sbin/bgpctl'])],
  ['ExaBGP', () => succeeds('exabgp', ['--version'])],
  ['QEMU', () => succeeds('qemu-system-x86_64', ['--version'])],
  ['BIRD 1.6', () => succeeds(fileURLToPath(BIRD_1), ['--version'])],
];

let passed = 0;
let failed = 0;
/** What failed, told once more at the end: who reads the last page of a long log finds it there. */
const failures = [];

const absent = [];
for (const [name, present] of CAPABILITIES) if (!(await present())) absent.push(name);
for (const name of absent) say(`This machine lacks: ${name}`);
failed += absent.length;

const chosen = process.argv.slice(2);
for (const [name, command] of Object.entries(stages)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  say(`\n=== ${name}: ${command.join(' ')}`);
  const started = performance.now();
  const { code, output } = await run(command);
  const counts = countTests(output);
  passed += counts.passed;
  failed += counts.failed;
  // A stage that does not count, and one that failed without a failing test, count as one.
  const isUncounted = counts.passed + counts.failed === 0;
  if (isUncounted && code === 0) passed += 1;
  if (code !== 0 && counts.failed === 0) failed += 1;
  if (code !== 0) failures.push(`=== ${name}: what failed\n\n${reportOf(output)}`);
  say(
    `=== ${name}: ${code === 0 ? 'ok' : `FAILED (${code})`}, ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}
for (const failure of failures) say(`\n${failure}`);
say(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function say(text) {
  process.stdout.write(`${text}\n`);
}

/** One line for each test that passed, and closing lines for what failed: with a failure ava sums up nothing else. */
function countTests(output) {
  const sum = (pattern) =>
    [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  return {
    passed: [...output.matchAll(/^ {2}[✔√] /gm)].length,
    failed: sum(
      /^ {2}(\d+) (?:tests? failed|uncaught exceptions?|unhandled rejections?|tests? remained pending.*)$/gm,
    ),
  };
}

/**
 * ava marks what failed and what was pending as it goes, and reports failures after a rule; other programs end with what
 * they have to say. At most 40 marks and 4,000 characters.
 */
function reportOf(output) {
  const marked = [...output.matchAll(/^ +[✘◌] .*$/gm)].slice(0, 40).map(([line]) => line);
  const rule = output.lastIndexOf('\n  ─\n');
  const report = rule < 0 ? output.slice(-4_000) : output.slice(rule + 5, rule + 4_005);
  return [...marked, ...(marked.length > 0 ? [''] : []), report.trim()].join('\n');
}

function run([command, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    // Whole characters: a port of the guest sends few octets at a time, and countTests looks for a check mark.
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    let output = '';
    const take = (stream) => (chunk) => {
      output += chunk;
      stream.write(chunk);
    };
    child.stdout.on('data', take(process.stdout));
    child.stderr.on('data', take(process.stderr));
    child.on('error', (error) => resolve({ code: error.message, output }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

function succeeds(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}
