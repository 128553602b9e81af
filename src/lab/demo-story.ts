/**
 * The story that the demo tells: the life of a network's documents, commit by commit. Pure.
 *
 * Each chapter is a commit, made from the files of examples/manifests/three-hosts, and what must be true of real
 * packets once it is live. Nothing is computed from heddle's own policy engine: the expectations are written
 * down here, by hand.
 */

/** Path below the root of the repository -> text. */
export type Files = ReadonlyMap<string, string>;

export interface Chapter {
  /** Also the commit message. */
  readonly title: string;
  readonly story: string;
  /** The files after this commit, made from those of the example and those before it. */
  edit(before: Files, example: Files): Files;
  /** Who reaches whom afterwards. */
  allowed(from: string, to: string, protocol: 'icmp' | 'tcp'): boolean;
  /** Who is no endpoint any more: their routes are looked up on every host. */
  readonly gone?: readonly string[];
}

const WEB = ['web-1', 'web-2', 'web-3'];

const isWeb = (name: string) => WEB.includes(name);
const nobody = () => false;

/** The port that TCP probes try. */
export const DEMO_PORT = 80;

const PING_ONLY_PROFILE = `# Members may ping each other; a web server answers them on port 80 no longer.
apiVersion: heddle/v1
kind: Profile
metadata:
  name: web
spec:
  tags: [web]
  ingress:
    - action: Allow
      protocol: ICMP
      source: { tag: web }
    - action: Allow
      protocol: ICMPv6
      source: { tag: web }
  egress:
    - action: Allow
`;

export const CHAPTERS: readonly Chapter[] = [
  {
    title: 'Pools, hosts and five endpoints',
    story: 'Each endpoint gets its routes on every host. No profile: nothing comes in.',
    edit: (_before, example) => withoutProfiles(keep(example, (path) => !/^(profiles|tests)\//.test(path))),
    allowed: nobody,
  },
  {
    title: 'A profile named web',
    story: 'It exists, and nobody names it: still nothing comes in.',
    edit: (before, example) => new Map([...before, ...keep(example, (path) => path.startsWith('profiles/'))]),
    allowed: nobody,
  },
  {
    title: 'web-1, web-2 and web-3 join the profile',
    story:
      'Members reach each other on every port; batch stays outside. The commit brings tests that say so.',
    edit: (_before, example) => example,
    allowed: (from, to) => isWeb(from) && isWeb(to),
  },
  {
    title: 'Members may only ping each other',
    story: 'A rule changes, and its test: TCP between members is denied from now on, ping is not.',
    edit: (before) => expectDenied(new Map([...before, ['profiles/web.yaml', PING_ONLY_PROFILE]])),
    allowed: (from, to, protocol) => isWeb(from) && isWeb(to) && protocol === 'icmp',
  },
  {
    title: 'web-3 is gone',
    story:
      'An endpoint is removed: its routes go from every host, its rules from host-3. Its cable stays in.',
    edit: (before) => keep(before, (path) => path !== 'endpoints/web-3.yaml'),
    allowed: (from, to, protocol) =>
      [from, to].every((name) => isWeb(name) && name !== 'web-3') && protocol === 'icmp',
    gone: ['web-3'],
  },
];

function keep(files: Files, wanted: (path: string) => boolean): Files {
  return new Map([...files].filter(([path]) => wanted(path)));
}

/** A commit that fails its own ConnectivityTests is not applied: what they ask for changes with the rule. */
function expectDenied(files: Files): Files {
  return new Map(
    [...files].map(([path, text]) => [
      path,
      path.startsWith('tests/')
        ? text
            .replace('name: web-talks-to-web', 'name: web-opens-no-tcp')
            .replace('expect: Allow', 'expect: Deny')
        : text,
    ]),
  );
}

/** The endpoints as they are before anybody gives them a profile. */
function withoutProfiles(files: Files): Files {
  return new Map(
    [...files].map(([path, text]) => [
      path,
      path.startsWith('endpoints/') ? text.replace(/^ {2}profiles: .*\n/m, '') : text,
    ]),
  );
}
