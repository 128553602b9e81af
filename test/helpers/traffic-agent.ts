/**
 * The part of the traffic prober that sits in one namespace: JSON lines in, JSON lines out.
 *
 * UDP goes one way only and is never answered. So the far end sees every packet that passes, also one whose answer
 * could not come back; a packet that is missing is a gap in the numbers, not a matter of time; and conntrack takes
 * each packet for the first of a connection (one that was never answered counts as new), so that each is
 * judged by the rules of its moment. TCP connections and pings show what a user would.
 *
 * All times are ms of CLOCK_MONOTONIC, which is one for the whole machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { createConnection, createServer } from 'node:net';
import { argv } from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type TrafficRequest =
  | { readonly op: 'listen'; readonly udp: readonly number[]; readonly tcp: readonly number[] }
  | {
      readonly op: 'send';
      readonly stream: number;
      readonly protocol: 'udp' | 'tcp' | 'icmp';
      readonly address: string;
      readonly port: number;
      readonly everyMs: number;
    };

export type TrafficReport =
  | { readonly type: 'listening' }
  | { readonly type: 'sent'; readonly stream: number; readonly number: number; readonly at: number }
  | { readonly type: 'passed'; readonly stream: number; readonly number: number; readonly at: number }
  | { readonly type: 'error'; readonly message: string };

/** Shorter than the kernel's first retransmission of a SYN, so that an attempt is one packet. */
const CONNECT_TIMEOUT_MS = 900;
/** As much as the kernel gives: what comes in while this program stalls is not to be lost. */
const RECEIVE_BUFFER_OCTETS = 4 << 20;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const say = (report: TrafficReport): boolean => process.stdout.write(`${JSON.stringify(report)}\n`);
const sent = (stream: number, number: number, at = now()): boolean =>
  say({ type: 'sent', stream, number, at });
const passed = (stream: number, number: number): boolean =>
  say({ type: 'passed', stream, number, at: now() });
const complain = (error: Error): boolean => say({ type: 'error', message: error.message });

if (argv[1] === fileURLToPath(import.meta.url)) serve();

function serve(): void {
  const children: ChildProcess[] = [];
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const request = JSON.parse(line) as TrafficRequest;
    if (request.op === 'listen') listen(request.udp, request.tcp);
    else if (request.protocol === 'udp') sendDatagrams(request);
    else if (request.protocol === 'tcp') sendConnections(request);
    else children.push(sendPings(request));
  });
  lines.on('close', () => {
    for (const child of children) child.kill('SIGKILL');
    process.exit(0);
  });
}

function listen(udp: readonly number[], tcp: readonly number[]): void {
  const ready = [
    ...udp.map((port) => {
      const socket = createSocket({ type: 'udp6', recvBufferSize: RECEIVE_BUFFER_OCTETS })
        .on('error', complain)
        .on('message', receive);
      return new Promise<void>((resolve) => socket.bind(port, '::', resolve));
    }),
    ...tcp.map((port) => {
      const server = createServer((socket) => socket.on('error', () => {}).end()).on('error', complain);
      return new Promise<void>((resolve) => server.listen(port, '::', resolve));
    }),
  ];
  void Promise.all(ready).then(() => say({ type: 'listening' }));
}

function receive(message: Buffer): void {
  passed(message.readUInt32BE(0), message.readUInt32BE(4));
}

type Sending = Extract<TrafficRequest, { op: 'send' }>;

function sendDatagrams({ stream, address, port, everyMs }: Sending): void {
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4').on('error', complain);
  let number = 0;
  setInterval(() => {
    number += 1;
    const message = Buffer.alloc(8);
    message.writeUInt32BE(stream, 0);
    message.writeUInt32BE(number, 4);
    sent(stream, number);
    // An error is a packet that did not leave: it is missing at the far end.
    socket.send(message, port, address, () => {});
  }, everyMs);
}

function sendConnections({ stream, address, port, everyMs }: Sending): void {
  let number = 0;
  setInterval(() => {
    number += 1;
    const attempt = number;
    sent(stream, attempt);
    const socket = createConnection({ host: address, port, timeout: CONNECT_TIMEOUT_MS });
    // After a stall of this program timers run first: what has connected meanwhile is heard of before the next turn.
    socket.once('timeout', () => setImmediate(() => socket.connecting && socket.destroy()));
    socket.once('connect', () => {
      passed(stream, attempt);
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') passed(stream, attempt);
    });
  }, everyMs);
}

function sendPings({ stream, address, everyMs }: Sending): ChildProcess {
  // -O reports a request without an answer when the next is sent: each request has a line, with or without time.
  const every = (everyMs / 1000).toFixed(3);
  const ping = spawn('ping', ['-n', '-O', '-i', every, address], { stdio: ['ignore', 'pipe', 'ignore'] });
  ping.on('error', complain);
  createInterface({ input: ping.stdout }).on('line', (line) => {
    const number = /icmp_seq=(\d+)/.exec(line)?.[1];
    const roundTripMs = / time=([\d.]+) ms/.exec(line)?.[1];
    if (number === undefined) return;
    sent(stream, Number(number), now() - Number(roundTripMs ?? everyMs));
    if (roundTripMs !== undefined) passed(stream, Number(number));
  });
  return ping;
}
