/**
 * A TCP port of one network namespace, reachable from another.
 *
 * A socket belongs to the namespace in which it was made, but a Unix socket's path is visible wherever the file
 * system is. Two relays back to back, `tcp -> unix` here and `unix -> tcp` there, therefore lead from this
 * machine's loopback to the lab's etcd without an interface between the two.
 */
import { createConnection, createServer, type Socket, type TcpNetConnectOpts } from 'node:net';

export type RelayEnd = { readonly path: string } | { readonly host: string; readonly port: number };

/** Forwards connections until the signal is aborted. Resolves to the port (0 for a path) once it listens. */
export function startRelay(listen: RelayEnd, connect: RelayEnd, signal: AbortSignal): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = createConnection(connect as TcpNetConnectOpts);
    for (const [socket, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  signal.addEventListener('abort', () => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

/** Reads `/path/to/socket` or `host:port`. @throws {TypeError} for anything else */
export function parseRelayEnd(text: string): RelayEnd {
  if (text.startsWith('/')) return { path: text };
  const match = /^(.+):(\d+)$/.exec(text);
  if (!match) throw new TypeError(`Not a path and not host:port: ${text}`);
  return { host: match[1] ?? '', port: Number(match[2]) };
}
