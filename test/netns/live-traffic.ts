/**
 * Traffic that goes on while a test changes things: a TCP connection with an echo at its far end, and a ping.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { inNamespace } from '../../src/kernel/namespaces.js';
import { type Namespace, run } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

/** Where a program runs; undefined is the namespace of this process. */
type Place = Pick<Namespace, 'name'> | undefined;

export interface Traffic extends AsyncDisposable {
  readonly name: string;
  /** Resolves when more answers have come. @throws when they do not */
  goesOn(): Promise<void>;
  /** Resolves when what is sent stays unanswered. @throws when answers go on coming */
  stops(): Promise<void>;
}

/** Pings until disposed; resolves with the first answer. */
export function ping(from: Place, to: string): Promise<Traffic> {
  const toMark = (line: string) => {
    if (line.includes('bytes from')) return '+';
    return line.includes('no answer yet') ? '-' : '';
  };
  return watch(`ping ${to}`, start(from, ['ping', '-O', '-i', '0.02', to]), toMark);
}

/** Talks over one TCP connection, which is never made again, until disposed; resolves with the first answer. */
export function talk(from: Place, to: string, port: number): Promise<Traffic> {
  return watch(`TCP to ${to}`, start(from, ['node', '-e', TALKER, to, String(port)]), (line) => line);
}

/** Takes TCP connections and sends back what comes. */
export async function echoServer(at: Place, port: number): Promise<AsyncDisposable> {
  const child = start(at, ['node', '-e', ECHO, String(port)]);
  await once(child.stdout ?? child, 'data');
  return { [Symbol.asyncDispose]: () => end(child) };
}

/** Flows as conntrack(8) lists them: `tcp 10.65.0.1 > 10.65.0.2 #1234`, where the number is the flow's own. */
export async function listedFlows(): Promise<readonly string[]> {
  const lists = ['ipv4', 'ipv6'].map((family) => run('conntrack', ['-L', '-f', family, '-o', 'id']));
  return (await Promise.all(lists))
    .join('')
    .split('\n')
    .flatMap((line) => {
      const [, protocol, source, destination, id] =
        /^(\S+) .*?src=(\S+) dst=(\S+) .*id=(\d+)/.exec(line) ?? [];
      return id === undefined ? [] : [`${protocol} ${source} > ${destination} #${id}`];
    })
    .sort();
}

/** A line of `+` for an answer, and of `-` when one is overdue. */
const TALKER = `
  const [, host, port] = process.argv;
  const socket = require('net').connect({ host, port: Number(port) });
  let waiting = false;
  socket.on('connect', () => setInterval(() => {
    if (waiting) console.log('-');
    waiting = true;
    socket.write('.');
  }, 20));
  socket.on('data', () => { waiting = false; console.log('+'); });
`;

const ECHO = `
  const server = require('net').createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(Number(process.argv[1]), '::', () => console.log('listening'));
`;

const ENOUGH = 5;

async function watch(name: string, child: ChildProcess, toMark: (line: string) => string): Promise<Traffic> {
  let marks = '';
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    marks += lines.map(toMark).join('');
  });
  const traffic: Traffic = {
    name,
    async goesOn() {
      const before = marks.length;
      const answers = () => marks.slice(before).replaceAll('-', '').length;
      await until(() => answers() >= ENOUGH, { what: `answers to ${name}` });
    },
    async stops() {
      await until(() => marks.endsWith('-'.repeat(ENOUGH)), { what: `${name} to stop` });
    },
    [Symbol.asyncDispose]: () => end(child),
  };
  try {
    await traffic.goesOn();
  } catch (error) {
    await end(child);
    throw error;
  }
  return traffic;
}

function start(place: Place, commandLine: readonly [string, ...string[]]): ChildProcess {
  const [command, ...args] = place ? inNamespace(place.name, commandLine) : commandLine;
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
