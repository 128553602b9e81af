/**
 * A real sshd of one test, as the user who runs it: own port on loopback, own host key, own configuration, and one
 * user key that may log in.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../src/lab/free-ports.js';
import { until } from './until.js';

export interface TestSshd extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  /** A key that may log in. */
  readonly userKey: string;
  /** The known_hosts file that has the server's key. */
  readonly knownHosts: string;
  /** Makes another key: for a stranger, or for another host. */
  makeKey(name: string): string;
  /** A known_hosts file that says the server has this key. */
  makeKnownHosts(name: string, key: string | undefined): string;
  /** SIGSTOP for the server and its sessions: connections stay open and nothing answers. */
  freeze(): void;
}

export async function startSshd(): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), `heddle-sshd-${process.pid}-`));
  const file = (name: string): string => join(folder, name);
  const makeKey = (name: string): string => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
    return file(name);
  };
  const [hostKey, userKey] = [makeKey('host'), makeKey('user')];
  const [port = 0] = await freePorts(1);
  const makeKnownHosts = (name: string, key: string | undefined): string => {
    const line = key === undefined ? '' : `[127.0.0.1]:${port} ${readFileSync(`${key}.pub`, 'utf8')}`;
    writeFileSync(file(name), line);
    return file(name);
  };
  writeFileSync(file('authorized_keys'), readFileSync(`${userKey}.pub`));
  writeFileSync(file('config'), configuration(port, hostKey, file('authorized_keys')));
  // Where root's sshd locks up its unprivileged part; the package makes it when its service starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const server = await listen(file('config'), port);
  const close = async (): Promise<void> => {
    // Sessions are children in process groups of their own; they end when their clients do.
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    ...{ port, userKey, makeKey, makeKnownHosts },
    user: userInfo().username,
    knownHosts: makeKnownHosts('known_hosts', hostKey),
    freeze: () => server.kill('SIGSTOP'),
    [Symbol.asyncDispose]: close,
  };
}

/** Neither PAM nor root's own files: what counts is here. */
function configuration(port: number, hostKey: string, authorizedKeys: string): string {
  return [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${authorizedKeys}`,
    'AuthenticationMethods publickey',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    '',
  ].join('\n');
}

async function listen(config: string, port: number): Promise<ChildProcess> {
  // sshd starts itself again for each connection, and wants to be called by its full name for that.
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  process.once('exit', () => server.kill('SIGKILL'));
  let said = '';
  server.stderr.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const failed = once(server, 'error').then(([error]) => {
    throw new Error(`cannot run sshd (Debian package openssh-server): ${error}`);
  });
  const answers = async (): Promise<boolean> => {
    if (server.exitCode !== null) throw new Error(`sshd ended with ${server.exitCode}: ${said}`);
    const socket = connect(port, '127.0.0.1');
    const greeted = await once(socket, 'data').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return greeted;
  };
  await Promise.race([until(answers, { what: `sshd at port ${port}` }), failed]);
  return server;
}
