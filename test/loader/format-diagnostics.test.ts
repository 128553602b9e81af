/**
 * Law 8: what is said of mistakes: place, value, rule, remedy, and all of them at once.
 */
import test from 'ava';
import { codeFrame } from '../../src/loader/code-frame.js';
import {
  formatGithub,
  formatHuman,
  formatReport,
  hasErrors,
  PLAIN_STYLE,
} from '../../src/loader/format-diagnostics.js';
import { loadManifests } from '../../src/loader/load.js';
import { decodeSource, type SourceText } from '../../src/loader/source-text.js';
import type { Diagnostic } from '../../src/model/diagnostic.js';
import { sourceFiles } from '../helpers/source-files.js';

const THREE_FAULTS = `# the web tier
apiVersion: heddle/v1
kind: Profile
metadata:
  name: web
spec:
  ingress:
    - action: Alow
      protocol: TCP
      destination:
        ports: [80, 443-444]
  labelToApply: {role: web}
`;

function diagnosticsOf(text: string, file = 'policy/web.yaml'): readonly Diagnostic[] {
  return loadManifests(sourceFiles({ [file]: text })).diagnostics;
}

test('three faults are three paragraphs with three carets, in the order of lines', (t) => {
  t.is(
    formatHuman(diagnosticsOf(THREE_FAULTS)),
    `policy/web.yaml:8:15: error: spec.ingress[0].action must be one of Allow, Deny, Log, Pass [invalid-value]
    6 | spec:
    7 |   ingress:
  > 8 |     - action: Alow
      |               ^^^^
  hint: Did you mean Allow?

policy/web.yaml:11:21: error: spec.ingress[0].destination.ports[1]: a range of ports is written with a colon [invalid-value]
     9 |       protocol: TCP
    10 |       destination:
  > 11 |         ports: [80, 443-444]
       |                     ^^^^^^^
  hint: Write '443:444'

policy/web.yaml:12:3: error: spec has no field labelToApply [unknown-field]
    10 |       destination:
    11 |         ports: [80, 443-444]
  > 12 |   labelToApply: {role: web}
       |   ^^^^^^^^^^^^
  hint: Did you mean labelsToApply?

3 errors
`,
  );
});

test('colours are applied by the caller, and change nothing but themselves', (t) => {
  const mark = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
  const style = { error: mark('e'), warning: mark('w'), place: mark('p'), dim: mark('d') };
  const diagnostics = diagnosticsOf(THREE_FAULTS);
  const painted = formatHuman(diagnostics, style);
  t.regex(painted, /^<p>policy\/web\.yaml:8:15<\/p>: <e>error<\/e>: /);
  t.regex(painted, /<e> +\| +\^\^\^\^<\/e>/);
  t.is(painted.replaceAll(/<\/?[ewpd]>/g, ''), formatHuman(diagnostics, PLAIN_STYLE));
});

test('nothing to say is no text', (t) => {
  t.is(formatHuman([]), '');
  t.is(formatGithub([]), '');
});

test('errors and warnings are counted apart', (t) => {
  const text =
    'apiVersion: heddle/v1\nkind: WorkloadEndpoint\nmetadata: {name: w}\nspec: {node: n, profiles: [web]}\n';
  t.regex(formatHuman(diagnosticsOf(text)), /\n1 error, 1 warning\n$/);
});

test('the report has every documented field, absent ones as null', (t) => {
  const report = formatReport(
    diagnosticsOf('apiVersion: heddle/v1\nkind: Nod\nmetadata: {name: n}\n---\nx: 1\n', 'a.yaml'),
  );
  t.deepEqual(report, {
    valid: false,
    errors: [
      {
        file: 'a.yaml',
        line: 2,
        col: 7,
        code: 'unknown-kind',
        path: '/kind',
        value: 'Nod',
        message: 'there is no kind Nod',
        hint: 'Did you mean Node?',
      },
      {
        file: 'a.yaml',
        line: 5,
        col: 1,
        code: 'yaml-document',
        path: '',
        value: null,
        message: 'this document has neither apiVersion nor kind, so it is not a manifest',
        hint: 'Add apiVersion: heddle/v1 and a kind, or list the file in .heddleignore',
      },
    ],
    warnings: [],
  });
});

test('warnings alone leave a report valid', (t) => {
  const diagnostics = diagnosticsOf('# soon\n');
  t.false(hasErrors(diagnostics));
  t.like(formatReport(diagnostics), { valid: true, errors: [] });
  t.is(formatReport(diagnostics).warnings.length, 1);
});

test('a workflow command names the file from the root of the repository, with everything escaped', (t) => {
  const diagnostic: Diagnostic = {
    severity: 'warning',
    code: 'invalid-value',
    origin: { file: 'a,b:c%.yaml', line: 3, col: 4 },
    path: '/spec',
    message: '100% wrong\n::error::',
    hint: 'write a:b',
  };
  t.is(
    formatGithub([diagnostic], 'net/'),
    '::warning file=net/a%2Cb%3Ac%25.yaml,line=3,col=4,title=heddle%3A invalid-value::100%25 wrong%0A::error::%0Awrite a:b\n',
  );
});

function sourceOf(text: string): SourceText {
  const [file] = sourceFiles({ 'a.yaml': text });
  const source = file && decodeSource(file);
  if (!source || 'code' in source) throw new Error('not decoded');
  return source;
}

test('a long line is cut around the caret', (t) => {
  const text = `${'x'.repeat(500)}HERE${'y'.repeat(500)}`;
  const [line = '', carets = ''] = codeFrame(sourceOf(text), { start: 500, end: 504 }).split('\n');
  t.true(line.length < 120);
  t.is(line.indexOf('HERE'), carets.indexOf('^'));
  t.regex(carets, /^ +\| +\^{4}$/);
});

test('a span over several lines is underlined to the end of its first line', (t) => {
  const carets = codeFrame(sourceOf('a: |\n  b\n  c\n'), { start: 3, end: 13 }).split('\n').at(-1);
  t.is(carets, '    |    ^');
});

test('marks that turn the direction of text are not printed', (t) => {
  t.false(codeFrame(sourceOf('a: "\u202e\u2066b"\n'), { start: 0, end: 1 }).includes('\u202e'));
});

test('what stands after a key that names a password is not printed', (t) => {
  const frame = codeFrame(
    sourceOf('password: hunter2\nx: {"passwd": "hunter2", y: 1}\nsecret: {file: a}\n'),
    {
      start: 49,
      end: 50,
    },
  );
  t.notRegex(frame, /hunter2/);
  t.regex(frame, /secret: \{file: a\}/);
});
