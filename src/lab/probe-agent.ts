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
import type { Address } from '../model/address.js';

export type ProbeRequest =
  | { readonly id: number; readonly op: 'listen'; readonly protocol: 'tcp' | 'udp'; readonly port: number }
  | {
      readonly id: number;
      readonly op: 'probe';
      readonly protocol: 'tcp' | 'udp';
      readonly address: Address;
      readonly port: number;
      readonly timeoutMs: number;
    }
  | {
      readonly id: number;
      readonly op: 'probe';
      readonly protocol: 'icmp';
      readonly address: Address;
      readonly timeoutMs: number;
    };

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

function listen(protocol: 'tcp' | 'udp', port: number): Promise<'listening'> {
  return new Promise((resolve, reject) => {
    if (protocol === 'tcp') {
      const server = createServer((socket) => socket.end()).once('error', reject);
      server.listen(port, '::', () => resolve('listening')).unref();
    } else {
      const socket = createSocket('udp6').once('error', reject);
      socket.on('message', (message, from) => socket.send(message, from.port, from.address));
      socket.bind(port, () => resolve('listening')).unref();
    }
  });
}

function probe(request: Extract<ProbeRequest, { op: 'probe' }>): Promise<'allow' | 'deny'> {
  switch (request.protocol) {
    case 'tcp':
      return probeTcp(request.address, request.port, request.timeoutMs);
    case 'udp':
      return probeUdp(request.address, request.port, request.timeoutMs);
    case 'icmp':
      return probeIcmp(request.address, request.timeoutMs);
  }
}

function probeTcp(address: Address, port: number, timeoutMs: number): Promise<'allow' | 'deny'> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: address, port });
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

function probeUdp(address: Address, port: number, timeoutMs: number): Promise<'allow' | 'deny'> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const finish = (result: 'allow' | 'deny') => {
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(finish, timeoutMs, 'deny');
    socket.once('message', () => finish('allow'));
    // An ICMP port unreachable comes back as ECONNREFUSED: the packet arrived.
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' ? 'allow' : 'deny'),
    );
    socket.connect(port, address, () => socket.send('heddle'));
  });
}

function probeIcmp(address: Address, timeoutMs: number): Promise<'allow' | 'deny'> {
  const wait = (timeoutMs / 1000).toFixed(2);
  return new Promise((resolve, reject) => {
    execFile('ping', ['-n', '-q', '-c', '1', '-W', wait, address], (error) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve(error ? 'deny' : 'allow');
    });
  });
}
