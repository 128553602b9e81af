/**
 * What the help of each verb shows below its flags: an example or two, and the exit codes that matter to scripts.
 */
import type { Command } from 'commander';
import { EXIT } from './exit-codes.js';

interface HelpText {
  /** Command line, and what it does. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  /** Besides ok and unexpected, which every verb has. */
  readonly exits: readonly (keyof typeof EXIT_MEANINGS)[];
}

const EXIT_MEANINGS = {
  changesPresent: 'there are changes (--detailed-exitcode)',
  invalidInput: 'a flag, a name or a manifest is wrong',
  connectivity: 'a connectivity test failed, or a plan opens what it must not',
  guard: 'refused: something would be deleted or overwritten that may be needed; the text says how to go on',
  conflict: 'the store is no longer as the plan saw it; plan again',
  locked: 'suspended, or somebody else holds the lead',
  notConverged: 'not on enough hosts in time, or the commit is refused',
  source: 'the repository cannot be read, or the store refuses the user',
} as const satisfies Partial<Record<keyof typeof EXIT, string>>;

const ETCD = '--etcd http://etcd:2379';

const HELP: Readonly<Record<string, HelpText>> = {
  init: {
    examples: [
      ['heddle init my-network', 'make a folder with a small network that works'],
      ['cd my-network && git init && heddle lab up . && heddle lab probe', 'try it on this machine'],
    ],
    exits: ['invalidInput'],
  },
  import: {
    examples: [
      ['calicoctl get globalnetworkpolicies -o yaml | heddle import - my-network', 'one manifest an object'],
      [
        'heddle import export.yaml my-network && heddle validate my-network',
        'and what heddle does not enforce',
      ],
    ],
    exits: ['invalidInput'],
  },
  validate: {
    examples: [
      ['heddle validate', 'check the folder that you are in'],
      ['heddle validate endpoints/web-1.yaml', 'check one file by itself'],
      ['heddle validate --output github .', 'annotate a pull request'],
    ],
    exits: ['invalidInput'],
  },
  test: {
    examples: [
      ['heddle test', 'judge the ConnectivityTests of this folder by its manifests'],
      [`heddle test . ${ETCD}`, 'the same tests, judged by what the live store holds'],
    ],
    exits: ['invalidInput', 'connectivity'],
  },
  trace: {
    examples: [
      ['heddle trace web-1 db-1 tcp/5432', 'by the manifests of this folder'],
      [`heddle trace 203.0.113.7 Node/host-1 icmp ${ETCD}`, 'by the live store, from an address outside'],
      [
        `echo '{"src": "web-1", "dst": "db-1", "protocol": "tcp", "port": 5432}' | heddle trace --batch -`,
        'many questions; more keys: srcPort, icmpType, icmpCode, family',
      ],
    ],
    exits: ['invalidInput'],
  },
  bgp: {
    examples: [
      ['heddle bgp', 'sessions and routes by the manifests of this folder'],
      ['heddle bgp --node host-1', 'what one host would learn, and over whom'],
    ],
    exits: ['invalidInput'],
  },
  reconcile: {
    examples: [
      [`heddle reconcile --dry-run --repo . ${ETCD}`, 'what would change in the store'],
      [
        'heddle reconcile --dry-run --repo . --against main',
        'what this folder changes, compared with a branch',
      ],
      [`heddle reconcile --once --repo . ${ETCD}`, 'apply this folder, once'],
      [`heddle reconcile --repo https://git.example/net.git ${ETCD}`, 'apply every new commit'],
    ],
    exits: ['changesPresent', 'invalidInput', 'connectivity', 'guard', 'conflict', 'locked', 'source'],
  },
  apply: {
    examples: [
      [`heddle reconcile --dry-run --repo . --out plan.json ${ETCD}`, 'make a plan to review'],
      [`heddle apply plan.json ${ETCD}`, 'apply that plan, and no other'],
    ],
    exits: ['invalidInput', 'connectivity', 'guard', 'conflict', 'locked', 'source'],
  },
  agent: {
    examples: [
      [`heddle agent --node host-1 ${ETCD}`, 'on each host, as root; SIGTERM stops it, and changes nothing'],
      [`heddle agent --bgp none --metrics-listen 127.0.0.1:9091 ${ETCD}`, 'policy only, with /metrics'],
    ],
    exits: ['invalidInput'],
  },
  status: {
    examples: [
      [`heddle status ${ETCD}`, 'which commit is live on which host'],
      [`heddle status --bgp --output json ${ETCD}`, 'every BGP session too, for a program'],
    ],
    exits: ['invalidInput'],
  },
  get: {
    examples: [
      [`heddle get nodes ${ETCD}`, 'all of a kind'],
      [`heddle get Profile web ${ETCD}`, 'one of them, as a manifest'],
    ],
    exits: ['invalidInput'],
  },
  wait: {
    examples: [
      [`heddle wait --commit 1a2b3c4 ${ETCD}`, 'until it is live everywhere'],
      [`heddle wait --commit $(git rev-parse HEAD) --hosts 95% --timeout 2m ${ETCD}`, 'in a pipeline'],
      [`heddle wait --commit 1a2b3c4 --bgp ${ETCD}`, 'and until every host has its BGP sessions'],
    ],
    exits: ['invalidInput', 'notConverged'],
  },
  history: {
    examples: [[`heddle history --source default ${ETCD}`, 'what was applied, newest first']],
    exits: ['invalidInput'],
  },
  blame: {
    examples: [[`heddle blame Profile/web ${ETCD}`, 'the commit and the line that made it so']],
    exits: ['invalidInput'],
  },
  rollback: {
    examples: [
      [`heddle rollback --to 7 --dry-run --repo https://git.example/net.git ${ETCD}`, 'what it would change'],
      [`heddle rollback --to 7 --repo https://git.example/net.git ${ETCD}`, 'SEQ 7 of heddle history again'],
    ],
    exits: ['invalidInput', 'connectivity', 'guard', 'conflict', 'locked', 'source'],
  },
  suspend: {
    examples: [[`heddle suspend --reason "change freeze" --until 2h ${ETCD}`, 'it ends by itself']],
    exits: ['invalidInput'],
  },
  resume: {
    examples: [[`heddle resume ${ETCD}`, 'let commits be applied again']],
    exits: ['invalidInput'],
  },
  render: {
    examples: [
      ['heddle render iptables --node host-1', 'of the manifests of this folder'],
      [`heddle render bird --node host-1 ${ETCD}`, 'of the live store'],
    ],
    exits: ['invalidInput'],
  },
  'schema export': {
    examples: [['heddle schema export .schemas', 'for editors; see yaml.schemas in .vscode/settings.json']],
    exits: [],
  },
  'lab up': {
    examples: [
      ['heddle lab up examples/manifests/three-hosts', 'as root: three hosts and their workloads'],
      ['heddle lab up . --name mine', 'another one beside it'],
    ],
    exits: ['invalidInput'],
  },
  'lab status': {
    examples: [['heddle lab status', 'which programs run, and their logs']],
    exits: ['invalidInput'],
  },
  'lab exec': {
    examples: [
      ['heddle lab exec host-1 -- ip route', 'on a host'],
      ['heddle lab exec web-1 -- ping -c1 192.168.2.10', 'inside a workload'],
    ],
    exits: ['invalidInput'],
  },
  'lab probe': {
    examples: [
      ['heddle lab probe', 'the tests of the commit that is live'],
      ['heddle lab probe --output json', 'for a program'],
    ],
    exits: ['invalidInput', 'connectivity'],
  },
  'lab sync': {
    examples: [['heddle lab sync', 'again, by hand, what a push to a running lab does by itself']],
    exits: ['invalidInput'],
  },
  'lab down': { examples: [['heddle lab down', 'whatever state it is in']], exits: ['invalidInput'] },
  'lab demo': {
    examples: [['heddle lab demo --keep', 'tell the story, and leave the network up to look around']],
    exits: ['connectivity', 'notConverged'],
  },
};

/** Adds to the help of every verb what stands above. */
export function addHelpTexts(command: Command, path: readonly string[] = []): void {
  for (const verb of command.commands) addHelpTexts(verb, [...path, verb.name()]);
  const text = HELP[path.join(' ')];
  if (text) command.addHelpText('after', format(text));
}

function format({ examples, exits }: HelpText): string {
  const codes = exits.map((name) => `  ${EXIT[name]}  ${EXIT_MEANINGS[name]}`);
  return [
    '',
    'Examples:',
    ...examples.flatMap(([line, meaning]) => [`  # ${meaning}`, `  ${line}`]),
    '',
    'Exit codes:',
    '  0  ok',
    '  1  unexpected',
    ...codes,
  ].join('\n');
}
