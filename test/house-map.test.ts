/**
 * The house map is a law, not a drawing: this test compares the one in README.md, the import directions and the
 * promises of pure folders with the tree.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { packageFolder } from '../src/cli/package-folder.js';

const root = fileURLToPath(packageFolder());
const source = join(root, 'src');

/** What managers see of the dataplane: desired state, and which sysctls an interface needs. No driver, so they cannot write. */
const DESIRED_SIDE = ['agent/dataplane/intent.js', 'agent/dataplane/driver.js', 'agent/dataplane/sysctls'];

/** What the writers of the kernel see of the dataplane: desired state and what a driver is, and no manager. */
const DRIVER_SIDE = [
  'agent/dataplane/intent.js',
  'agent/dataplane/desired-record.js',
  'agent/dataplane/driver.js',
  'agent/dataplane/kernel-kinds.js',
  'agent/dataplane/flows',
];

/** What each room may import of ours, besides itself. The longest matching prefix holds. */
const DIRECTIONS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  policy: ['model'],
  topology: ['model'],
  verify: ['model', 'policy', 'topology'],
  layout: ['model'],
  loader: ['model', '../schemas'],
  'loader/sources': ['model', 'loader'],
  diff: ['model', 'layout'],
  datastore: ['model'],
  apply: ['model', 'layout', 'diff', 'datastore'],
  reconciler: ['model', 'loader', 'layout', 'diff', 'datastore', 'apply', 'topology', 'verify'],
  kernel: ['model'],
  'agent/syncer': ['model', 'layout', 'datastore'],
  'agent/calc': ['model', 'policy', 'topology', 'layout', 'agent/syncer'],
  'agent/dataplane': ['model', 'kernel', 'agent/calc', 'layout'],
  'agent/dataplane/drivers': ['model', 'kernel', 'agent/calc/agent-settings.js', ...DRIVER_SIDE],
  'agent/dataplane/backends': ['model', 'kernel', 'agent/calc', 'agent/dataplane/rules', ...DRIVER_SIDE],
  'agent/dataplane/managers': ['model', 'agent/calc', 'agent/dataplane/rules', 'layout', ...DESIRED_SIDE],
  'agent/dataplane/sysctls': ['model'],
  'agent/dataplane/rules': ['model', 'agent/calc', 'layout', ...DESIRED_SIDE],
  'agent/dataplane/flows': [
    'model',
    'agent/calc',
    'layout',
    'policy',
    'kernel',
    'agent/dataplane/managers/endpoint-claims.js',
    'agent/dataplane/rules/set-uses.js',
    'agent/dataplane/intent.js',
  ],
  'agent/bgp': ['model', 'kernel', 'topology', 'agent/calc', 'agent/dataplane'],
  'agent/status': ['model', 'layout', 'datastore', 'kernel', 'agent/bgp', 'agent/dataplane'],
  agent: ['model', 'layout', 'datastore', 'kernel', 'topology', 'agent'],
  lab: ['model', 'policy', 'verify', 'kernel'],
};

/** Rooms that wire everything together. */
const COMPOSITION = ['cli'];

/** Packages that have one door. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  etcd3: ['datastore/etcd'],
  cockatiel: ['datastore/etcd'],
  '@grpc/grpc-js': ['datastore/etcd'],
  'isomorphic-git': ['loader/sources'],
  chokidar: ['loader/sources'],
  yaml: ['loader'],
  ajv: ['loader'],
  koffi: ['kernel/netlink'],
  'node-netlink': ['kernel/netlink'],
  commander: ['cli'],
  picocolors: ['cli'],
  pino: ['cli'],
  'prom-client': ['agent/status'],
};

const PURE = [
  'model',
  'layout',
  'policy',
  'topology',
  'verify',
  'diff',
  'agent/calc',
  'agent/dataplane/managers',
  'agent/dataplane/rules',
  'agent/dataplane/sysctls',
  'agent/dataplane/flows',
];
const IMPURE =
  /\b(?:Date\.now|performance\.now|new Date\(\)|Math\.random|process\.|console\.|setTimeout|setInterval|fetch\()/;
/** Node's own modules that only compute. */
const COMPUTING_MODULES = ['node:crypto', 'node:util', 'node:net'];

const MAX_LINES = 400;
const MAX_FUNCTION_LINES = 60;

/** Our own files, from the root. */
const everything = ['src', 'test', 'scripts', 'bench', 'schemas'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
);

interface SourceFile {
  /** Relative to src/, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = walk(source).map((path) => {
  const text = readFileSync(path, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)/gm);
  const imports = [...statements].flatMap((match) => match[1] ?? match[2] ?? []);
  return { path: relative(source, path), text, imports };
});

test('every folder of src/ stands in the map of README.md or in the table of DESIGN.md, and nothing else does', (t) => {
  const map = /```\n(src\/\n[\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
  const stack: string[] = [];
  const mapped: string[] = [];
  for (const line of map.split('\n').slice(1)) {
    const match = /^( +)([\w/-]+)\/ /.exec(line);
    if (!match) continue;
    const depth = (match[1] ?? '').length / 2;
    stack.length = depth - 1;
    stack.push(match[2] ?? '');
    mapped.push(stack.join('/'));
  }
  const table =
    /## Folders within folders\n([\s\S]*?)\n## /.exec(readFileSync(join(root, 'DESIGN.md'), 'utf8'))?.[1] ??
    '';
  const inner = [...table.matchAll(/^\| (\S.*?) \| /gm)].flatMap(([, cell = '']) => cell.split(', '));
  const listed = [...mapped, ...inner.filter((name) => name !== 'folder')];
  t.deepEqual([...new Set(listed)].sort(), allFolders().sort());
  t.is(new Set(listed).size, listed.length, 'each stands in one of the two, once');
});

test('every file that README.md, DESIGN.md and docs/ name is there', (t) => {
  const documents = ['README.md', 'DESIGN.md', ...docs()];
  const missing = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8');
    const named = [...text.matchAll(/(?<![\w*/.])([\w-]+(?:\/[\w.-]+)*\.(?:ts|mjs|sh))\b/g)].map(
      ([, path = '']) => path,
    );
    return named.filter((path) => !isThere(path)).map((path) => `${document}: ${path}`);
  });
  t.deepEqual(missing, []);
});

function docs(): readonly string[] {
  return readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
}

/** A path is named from the root, or from anywhere in it where that is plain. */
function isThere(path: string): boolean {
  return everything.some((one) => one === path || one.endsWith(`/${path}`));
}

test('no function is longer than a screen', (t) => {
  const long = files.flatMap(({ path, text }) =>
    functionsIn(text)
      .filter(({ length }) => length > MAX_FUNCTION_LINES)
      .map(({ line, length }) => `${path}:${line} has ${length} lines`),
  );
  t.deepEqual(long, []);
});

test('imports go only in the directions of the design', (t) => {
  const wrong: string[] = [];
  for (const { path, imports } of files) {
    if (COMPOSITION.some((room) => isIn(path, room))) continue;
    const room = roomOf(path);
    const allowed = DIRECTIONS[room] ?? [];
    for (const specifier of imports.filter((name) => name.startsWith('.'))) {
      const target = normalize(join(dirname(path), specifier));
      if (isIn(target, room) || allowed.some((other) => isIn(target, other))) continue;
      wrong.push(`${path} imports ${target}`);
    }
  }
  t.deepEqual(wrong, []);
});

test('each package is imported through its one door', (t) => {
  const wrong: string[] = [];
  for (const { path, imports } of files) {
    for (const specifier of imports.filter((name) => !name.startsWith('.') && !name.startsWith('node:'))) {
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      const doors = DOORS[name];
      if (!doors) wrong.push(`${path} imports ${name}, which has no door`);
      else if (!doors.some((door) => isIn(path, door))) wrong.push(`${path} imports ${name} past its door`);
    }
  }
  t.deepEqual(wrong, []);
});

test('pure rooms have no clock, environment, disk, network or randomness', (t) => {
  const wrong: string[] = [];
  for (const { path, text, imports } of files) {
    if (!PURE.some((room) => isIn(path, room))) continue;
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const found = IMPURE.exec(code);
    if (found) wrong.push(`${path} uses ${found[0]}`);
    for (const name of imports.filter((specifier) => specifier.startsWith('node:'))) {
      if (!COMPUTING_MODULES.includes(name)) wrong.push(`${path} imports ${name}`);
    }
  }
  t.deepEqual(wrong, []);
});

test('only the command line reads argv and the environment, prints, and ends the process', (t) => {
  const reaches = /\bprocess\.(?:exit|env|argv)\b|\bconsole\./;
  const wrong = files
    .filter(({ path, text }) => !isIn(path, 'cli') && reaches.test(text))
    .map(({ path }) => path);
  t.deepEqual(wrong, []);
});

test('no shell anywhere: programs are given an argument vector (CVE-2021-41254)', (t) => {
  const wrong: string[] = [];
  for (const { path, text } of files) {
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const taken = /import \{([^}]*)\} from 'node:child_process'/.exec(code)?.[1] ?? '';
    const calls = taken.split(',').map((name) => name.trim().split(' as ')[0] ?? '');
    for (const name of calls)
      if (name !== '' && !/^(?:type \w+|spawn|execFile)$/.test(name)) wrong.push(`${path} imports ${name}`);
    if (/\bshell:/.test(code)) wrong.push(`${path} asks for a shell`);
    if (/'(?:\/bin\/)?(?:ba)?sh',|\beval\(|new Function\(/.test(code)) wrong.push(`${path} runs text`);
    if (/(?:require|import)\(?\s*'(?:node:)?child_process'/.test(code)) wrong.push(`${path} takes all of it`);
  }
  t.deepEqual(wrong, []);
});

test('law 6: no file has a twin for the other family', (t) => {
  const paths = new Set(files.map(({ path }) => path));
  const twins = [...paths].filter(
    (path) => /(?:v|ip|-)4\b/.test(path) && paths.has(path.replace(/4\b/, '6')),
  );
  t.deepEqual(twins, []);
});

test(`no source file is longer than ${MAX_LINES} lines`, (t) => {
  const long = files.filter(({ text }) => text.split('\n').length > MAX_LINES + 1).map(({ path }) => path);
  t.deepEqual(long, []);
});

function roomOf(path: string): string {
  const rooms = Object.keys(DIRECTIONS).filter((room) => isIn(path, room));
  return rooms.sort((a, b) => b.length - a.length)[0] ?? '';
}

function isIn(path: string, room: string): boolean {
  return path === room || path.startsWith(`${room}/`);
}

/** Relative to src/. */
function allFolders(room = '.'): string[] {
  return readdirSync(join(source, room), { withFileTypes: true }).flatMap((entry) => {
    const path = normalize(join(room, entry.name));
    return entry.isDirectory() ? [path, ...allFolders(path)] : [];
  });
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return walk(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.generated.ts') ? [path] : [];
  });
}

/** Functions and methods of formatted code: from the line that opens one to the brace at its indentation. */
function functionsIn(text: string): readonly { readonly line: number; readonly length: number }[] {
  const lines = text.split('\n');
  return lines.flatMap((first, index) => {
    const indentation = /^ */.exec(first)?.[0] ?? '';
    const isFunction =
      /(?:\)|\)(?:: .+)) (?:=> )?\{$/.test(first) && !/^ *(?:if|for|while|switch|\} )/.test(first);
    if (!isFunction) return [];
    const end = lines.findIndex((line, at) => at > index && line.startsWith(`${indentation}}`));
    return [{ line: index + 1, length: end - index + 1 }];
  });
}
