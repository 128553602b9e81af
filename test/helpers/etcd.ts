/**
 * A real etcd of one test: own ports on loopback, own directory (in memory where there is one, since this
 * version cannot switch fsync off), own certificates and users, and the faults that a server can have.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EtcdOptions } from '../../src/datastore/etcd/connection.js';
import { freePorts } from '../../src/lab/free-ports.js';
import { until } from './until.js';

const run = promisify(execFile);
const MEMORY_DIRECTORY = '/dev/shm';

export interface TestEtcdOptions {
  /** Serves https and asks for a client certificate. */
  readonly tls?: boolean;
  /** Enables users: `root` with password `root`. */
  readonly auth?: boolean;
  /** Further flags of etcd. */
  readonly flags?: readonly string[];
}

export interface TestEtcd extends AsyncDisposable {
  readonly endpoint: string;
  /** What openEtcdDatastore() needs to reach it. */
  readonly options: EtcdOptions;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same directory and ports. */
  start(): Promise<void>;
  /** Deletes its data while it is down. */
  wipe(): Promise<void>;
  /** Saves all that it holds, and returns the name of the file. */
  backup(): Promise<string>;
  /** Goes back to what was saved, while it is down; with another `token` as another cluster. */
  restore(file: string, token?: string): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Runs etcdctl against it (as root when there are users) and returns what it prints. */
  ctl(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

/** Starts an etcd and waits until it is healthy. */
export async function startEtcd(options: TestEtcdOptions = {}): Promise<TestEtcd> {
  const [etcd] = await startEtcdCluster(1, options);
  if (etcd === undefined) throw new Error('a cluster of one has one member');
  return etcd;
}

/** Starts the members of one cluster, and waits until all are healthy. */
export async function startEtcdCluster(size: number, options: TestEtcdOptions = {}): Promise<TestEtcd[]> {
  for (;;) {
    const results = await Promise.allSettled(await startMembers(size, options));
    const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (failures.length === 0) {
      if (options.auth) await started[0]?.enableUsers();
      return started.map(({ etcd }) => etcd);
    }
    await Promise.all(started.map(({ etcd }) => etcd.close()));
    // Between finding a port free and taking it somebody else may have come.
    if (!failures.some((failure) => /address already in use/.test(String(failure)))) throw failures[0];
  }
}

async function startMembers(size: number, options: TestEtcdOptions) {
  const ports = await freePorts(3 * size);
  const members = Array.from({ length: size }, (_, index) => ({
    name: `member-${index}`,
    client: `${options.tls ? 'https' : 'http'}://127.0.0.1:${ports[3 * index]}`,
    peer: `http://127.0.0.1:${ports[3 * index + 1]}`,
    metrics: `http://127.0.0.1:${ports[3 * index + 2]}`,
  }));
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  return members.map((member) => startMember(member, cluster, options));
}

/** The member that leads, as it says itself: while the lead moves on nobody may. */
export function leaderOf(members: readonly TestEtcd[]): Promise<TestEtcd> {
  const leader = async (): Promise<TestEtcd | undefined> => {
    for (const member of members) if (await leads(member)) return member;
    return undefined;
  };
  return until(leader, { what: 'a member that leads' });
}

async function leads(member: TestEtcd): Promise<boolean> {
  const [line = ''] = (await member.ctl('endpoint', 'status', '-w', 'fields')).split('\n\n');
  const field = (name: string) => new RegExp(`"${name}" : (\\d+)`).exec(line)?.[1];
  return field('MemberID') === field('Leader');
}

interface Member {
  readonly name: string;
  /** URLs. */
  readonly client: string;
  readonly peer: string;
  readonly metrics: string;
}

async function startMember(
  member: Member,
  cluster: string,
  options: TestEtcdOptions,
): Promise<{ readonly etcd: TestEtcd; enableUsers(): Promise<void> }> {
  const parent = existsSync(MEMORY_DIRECTORY) ? MEMORY_DIRECTORY : tmpdir();
  const directory = await mkdtemp(join(parent, `heddle-etcd-${process.pid}-`));
  const pki = options.tls ? await makeCertificates(directory) : undefined;
  const server = new EtcdProcess(flagsOf(member, cluster, directory, pki, options), member.metrics);
  const ctlFlags = [
    `--endpoints=${member.client}`,
    ...['--dial-timeout=30s', '--command-timeout=60s'],
    ...(pki ? [`--cacert=${pki.caCert}`, `--cert=${pki.clientCert}`, `--key=${pki.clientKey}`] : []),
  ];
  const login: string[] = [];
  const ctl = async (...args: string[]): Promise<string> => {
    const env = { ETCDCTL_API: '3', PATH: process.env.PATH };
    return (await run('etcdctl', [...ctlFlags, ...login, ...args], { env })).stdout;
  };
  const data = join(directory, 'data');
  const wipe = (): Promise<void> => rm(data, { recursive: true, force: true });
  const close = async (): Promise<void> => {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  };
  await server.start().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const etcd: TestEtcd = {
    endpoint: member.client,
    options: {
      endpoints: [member.client],
      ...(pki && (await readCertificates(pki))),
      ...(options.auth && { user: 'root', password: 'root' }),
    },
    kill: () => server.kill(),
    start: () => server.start(),
    wipe,
    async backup() {
      const file = join(directory, `backup-${performance.now()}`);
      await ctl('snapshot', 'save', file);
      return file;
    },
    async restore(file, token = 'etcd-cluster') {
      await wipe();
      const identity = ['--name', member.name, '--initial-advertise-peer-urls', member.peer];
      const membership = ['--initial-cluster', cluster, '--initial-cluster-token', token];
      await ctl('snapshot', 'restore', file, '--data-dir', data, ...identity, ...membership);
    },
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    ctl,
    close,
    [Symbol.asyncDispose]: close,
  };
  const enableUsers = async (): Promise<void> => {
    await ctl('user', 'add', 'root:root');
    await ctl('user', 'grant-role', 'root', 'root');
    await ctl('auth', 'enable');
    login.push('--user=root:root');
  };
  return { etcd, enableUsers };
}

function flagsOf(
  member: Member,
  cluster: string,
  directory: string,
  pki: Certificates | undefined,
  options: TestEtcdOptions,
): string[] {
  return [
    ['--name', member.name, '--data-dir', join(directory, 'data'), '--logger', 'zap', '--log-level', 'error'],
    ['--listen-client-urls', member.client, '--advertise-client-urls', member.client],
    ['--listen-peer-urls', member.peer, '--initial-advertise-peer-urls', member.peer],
    ['--initial-cluster', cluster, '--listen-metrics-urls', member.metrics],
    pki ? ['--cert-file', pki.serverCert, '--key-file', pki.serverKey, '--trusted-ca-file', pki.caCert] : [],
    pki ? ['--client-cert-auth'] : [],
    options.flags ?? [],
  ].flat();
}

class EtcdProcess {
  #child: ChildProcess | undefined;
  readonly #flags: readonly string[];
  readonly #health: string;

  constructor(flags: readonly string[], health: string) {
    this.#flags = flags;
    this.#health = health;
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  async start(): Promise<void> {
    const child = spawn('etcd', this.#flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    let said = '';
    let hasEnded = false;
    child.once('close', () => {
      hasEnded = true;
    });
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    const failed = once(child, 'error').then(([error]) => {
      throw new Error(`cannot run etcd (Debian package etcd-server): ${error}`);
    });
    const healthy = async (): Promise<boolean> => {
      if (hasEnded) throw new Error(`etcd ended with ${child.exitCode}: ${said}`);
      const answer = await fetch(`${this.#health}/health`).catch(() => undefined);
      return answer?.status === 200;
    };
    await Promise.race([until(healthy, { what: `etcd at ${this.#health}` }), failed]);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}

interface Certificates {
  readonly caCert: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

async function readCertificates(pki: Certificates): Promise<Pick<EtcdOptions, 'ca' | 'cert' | 'key'>> {
  const read = (file: string): Promise<string> => readFile(file, 'utf8');
  return { ca: await read(pki.caCert), cert: await read(pki.clientCert), key: await read(pki.clientKey) };
}

async function makeCertificates(directory: string): Promise<Certificates> {
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '2',
    '-subj',
    '/CN=test-ca',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  );
  for (const name of ['server', 'client']) {
    await writeFile(
      file(`${name}.ext`),
      'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
    );
    await openssl(
      'req',
      ...newKey,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      file(`${name}.key`),
      '-out',
      file(`${name}.csr`),
    );
    await openssl(
      'x509',
      '-req',
      '-in',
      file(`${name}.csr`),
      '-CA',
      file('ca.pem'),
      '-CAkey',
      file('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      file(`${name}.ext`),
      '-out',
      file(`${name}.pem`),
    );
  }
  return {
    caCert: file('ca.pem'),
    serverCert: file('server.pem'),
    serverKey: file('server.key'),
    clientCert: file('client.pem'),
    clientKey: file('client.key'),
  };
}
