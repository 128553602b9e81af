/** The demo as a user meets it: told to its end, stopped by Ctrl-C, crashed, and left up. Nothing stays behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import test from 'ava';
import { CHAPTERS } from '../../src/lab/demo-story.js';
import { heddle, MAIN } from '../helpers/heddle.js';
import { LabTraces } from '../helpers/lab-traces.js';
import { until } from '../helpers/until.js';

const TOLD_MS = 120_000;

class Demo implements AsyncDisposable {
  readonly #child;
  readonly #end: Promise<unknown[]>;
  told = '';

  constructor(readonly name: string) {
    // A group of its own, as a shell would give it: Ctrl-C goes to all of it.
    this.#child = spawn(execPath, [MAIN, 'lab', 'demo', '--name', name], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk: Buffer) => (this.told += chunk));
    this.#end = once(this.#child, 'close');
  }

  async heard(words: RegExp): Promise<void> {
    const isHeard = () => words.test(this.told) || this.#child.exitCode !== null;
    await until(isHeard, { what: `${words} in the demo`, timeoutMs: TOLD_MS });
  }

  pressControlC(): void {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the demo did not start');
    process.kill(-pid, 'SIGINT');
  }

  /** Whoever read the errors is gone: writing to them fails from now on. */
  loseErrors(): void {
    this.#child.stderr.destroy();
  }

  crash(): void {
    this.#child.kill('SIGKILL');
  }

  /** Exit code. */
  async end(): Promise<unknown> {
    return (await this.#end)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.crash();
    await this.#end;
    await heddle(['lab', 'down', '--name', this.name]);
  }
}

test.serial(
  'the whole demo exits 0, every probe goes as told, and --keep leaves the network up until lab down',
  async (t) => {
    const name = `d${process.pid}-1`;
    const traces = new LabTraces(name);
    try {
      const { code, stdout, stderr } = await heddle(['lab', 'demo', '--keep', '--name', name]);
      t.is(code, 0, stderr);
      for (const { title } of CHAPTERS) t.true(stdout.includes(title), title);
      t.is(stdout.match(/\$ heddle reconcile --dry-run/g)?.length, CHAPTERS.length);
      t.is(stdout.match(/commit [0-9a-f]{7} live on 3\/3 hosts in \d+ ms/g)?.length, CHAPTERS.length);
      t.deepEqual(
        stdout.match(/\d+ of 80 probes arrived/g),
        [0, 0, 24, 12, 4].map((n) => `${n} of 80 probes arrived`),
      );
      t.regex(stdout, /12 of 12 BGP sessions up, all routes on all hosts/);
      t.regex(stdout, /192\.168\.3\.10 via 10\.99\.0\.3 dev eth0 proto bird/);
      t.regex(stdout, /169\.254\.1\.1 dev eth0 lladdr 02:/);
      t.regex(stdout, /\/calico\/v1\/policy\/profile\/web\/rules/);
      t.is(stdout.match(/host-\d\$ ip .*route show (192\.168\.3\.10|fd80\S+::3:10) +nothing/g)?.length, 6);
      t.true(traces.namespaces().length > 8);
      t.true(stdout.includes(`heddle lab down --name ${name}`));
      const again = await heddle(['lab', 'demo', '--name', name]);
      t.is(again.code, 3);
      t.regex(again.stderr, /is up, because it was kept\n.*heddle lab down/);
      t.is((await heddle(['lab', 'status', '--name', name])).code, 0);
    } finally {
      await heddle(['lab', 'down', '--name', name]);
    }
    t.deepEqual(traces.all(), []);
  },
);

test.serial(
  'Ctrl-C in the middle of a chapter leaves no namespace, program or file, whoever still listens',
  async (t) => {
    await using demo = new Demo(`d${process.pid}-2`);
    const traces = new LabTraces(demo.name);
    await demo.heard(/2\/5 [\s\S]*\$ git push/);
    t.true(traces.namespaces().length > 8);
    demo.loseErrors();
    demo.pressControlC();
    t.is(await demo.end(), 130);
    t.deepEqual(traces.all(), []);
  },
);

test.serial(
  'after a crash the demo is told again, and Ctrl-C, pressed twice, cleans up after both',
  async (t) => {
    const name = `d${process.pid}-3`;
    const traces = new LabTraces(name);
    const first = new Demo(name);
    await first.heard(/1\/5/);
    first.crash();
    await first.end();
    t.true(traces.all().length > 8, 'a crash leaves the network behind');
    await using again = new Demo(name);
    await again.heard(/live on 3\/3 hosts/);
    traces.namespaces();
    again.pressControlC();
    await again.heard(/taking the lab down/);
    again.pressControlC();
    t.is(await again.end(), 130);
    t.regex(again.told, /a third signal ends it at once/);
    t.deepEqual(traces.all(), []);
  },
);
