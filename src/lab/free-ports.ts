/**
 * Ports of loopback that nobody has, for servers that may be stopped and started again.
 *
 * Not what `listen(0)` gives: that is out of the range from which connections take their own ports (ip(7),
 * ip_local_port_range). While such a server is down any connection may take its port, and one that is tried at that very
 * port may reach itself: the server cannot come back.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the range of connections, which begins at 32768 unless somebody has changed it. */
const FIRST_PORT = 12_000;
const PORTS = 20_000;

/** Held together until all are known, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const held: { readonly port: number; readonly server: Server }[] = [];
  while (held.length < count) {
    const server = createServer();
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await listens(server, port)) held.push({ port, server });
  }
  await Promise.all(held.map(({ server }) => server.close() && once(server, 'close')));
  return held.map(({ port }) => port);
}

/** False: somebody has the port. @throws when no port could be had */
async function listens(server: Server, port: number): Promise<boolean> {
  server.listen(port, '127.0.0.1');
  return once(server, 'listening').then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') return false;
      throw error;
    },
  );
}
