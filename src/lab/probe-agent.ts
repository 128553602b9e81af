/**
 * A program that sits in one namespace and tries connections on request: JSON lines in, JSON lines out.
 *
 * A probe is denied when nothing comes back in time (rules drop), and allowed when the packet arrived: the
 * connection opens, or the far side refuses it itself. It listens on the ports that others will try.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createConnection, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { type Address, familyOf } from '../model/address.js';

export type ProbeRequest =
  | { readonly id: number; readonly op: 'listen'; readonly protocol: 'tcp' | 'udp'; readonly port: number }
  | ({ readonly id: number; readonly op: 'probe' } & (PortProbe | PingProbe));

interface PingProbe {
  readonly protocol: 'icmp';
  readonly address: Address;
  /** Our own address; absent: as the kernel picks. */
  readonly source?: Address;
  readonly timeoutMs: number;
}

interface PortProbe extends Omit<PingProbe, 'protocol'> {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly sourcePort?: number;
}

export type ProbeReply =
  | { readonly id: number; readonly result: 'allow' | 'deny' | 'listening' }
  | { readonly id: number; readonly error: string };

/** Serves until its input ends. */
export function runProbeAgent(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Promise<void> {
  const lines = createInterface({ input });
  lines.on('line', (line) => {
    const request = JSON.parse(line) as ProbeRequest;
    const answer = request.op === 'listen' ? listen(request.protocol, request.port) : probe(request);
    answer
      .then((result): ProbeReply => ({ id: request.id, result }))
      .catch((error: Error): ProbeReply => ({ id: request.id, error: error.message }))
      .then((reply) => output.write(`${JSON.stringify(reply)}\n`));
  });
  return new Promise((resolve) => lines.on('close', resolve));
}

/** A port that another program listens on is answered by that one. */
function listen(protocol: 'tcp' | 'udp', port: number): Promise<'listening'> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve('listening') : reject(error);
    if (protocol === 'tcp') {
      const server = createServer((socket) => socket.end()).once('error', failed);
      server.listen(port, '::', () => resolve('listening')).unref();
    } else {
      const socket = createSocket('udp6').once('error', failed);
      socket.on('message', (message, from) => socket.send(message, from.port, from.address));
      socket.bind(port, () => resolve('listening')).unref();
    }
  });
}

function probe(request: PortProbe | PingProbe): Promise<'allow' | 'deny'> {
  switch (request.protocol) {
    case 'tcp':
      return probeTcp(request);
    case 'udp':
      return probeUdp(request);
    case 'icmp':
      return probeIcmp(request);
  }
}

function probeTcp({ address, port, source, sourcePort, timeoutMs }: PortProbe): Promise<'allow' | 'deny'> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({
      host: address,
      port,
      ...(source && { localAddress: source }),
      ...(sourcePort !== undefined && { localPort: sourcePort }),
    });
    const finish = (result: 'allow' | 'deny') => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(finish, timeoutMs, 'deny');
    socket.once('connect', () => finish('allow'));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') finish('allow');
      else if (error.code === 'EHOSTUNREACH' || error.code === 'ENETUNREACH' || error.code === 'ETIMEDOUT')
        finish('deny');
      else reject(error);
    });
  });
}

const RESEND_MS = 500;

function probeUdp({
  address,
  port,
  source,
  sourcePort = 0,
  timeoutMs,
}: PortProbe): Promise<'allow' | 'deny'> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: familyOf(address) === 6 ? 'udp6' : 'udp4', reuseAddr: true });
    let resending: NodeJS.Timeout | undefined;
    const finish = (result: 'allow' | 'deny') => {
      clearTimeout(timer);
      clearInterval(resending);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(finish, timeoutMs, 'deny');
    socket.once('message', () => finish('allow'));
    // An ICMP port unreachable comes back as ECONNREFUSED: the packet arrived.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' ? 'allow' : 'deny'),
    );
    const send = () => socket.send('heddle');
    socket.bind({ port: sourcePort, ...(source && { address: source }) }, () =>
      socket.connect(port, address, () => {
        send();
        resending = setInterval(send, RESEND_MS);
      }),
    );
  });
}

function probeIcmp({ address, source, timeoutMs }: PingProbe): Promise<'allow' | 'deny'> {
  const wait = (timeoutMs / 1000).toFixed(2);
  const from = source ? ['-I', source] : [];
  return new Promise((resolve, reject) => {
    execFile('ping', ['-n', '-q', '-c', '1', '-W', wait, ...from, address], (error) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve(error ? 'deny' : 'allow');
    });
  });
}
