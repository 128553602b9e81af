/**
 * The foreign functions of heddle: six calls of the C library, through koffi. Nothing else is called so.
 *
 * A wrong signature here is not an error but a crash of the process, so every one of them is exercised by the
 * conformance tests. `errno` belongs to the last call and is read right after it. Constants are those of
 * asm-generic, which all architectures that koffi is built for on Linux share.
 *
 * koffi.node.poll() watches a descriptor with libuv's own poll, so that no thread is blocked. Two things about
 * it do not stand in its types: the callback is given a libuv status before the events, and exceptions thrown in
 * the callback vanish. A socket error (ENOBUFS after an overrun) arrives as a negative status and stops the
 * handle: it has to be armed again.
 */
import koffi from 'koffi';
import { errnoName } from '../errno.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOCKADDR_NL_LENGTH = 12;
/** recvfrom() returns the length that the datagram had, also when the buffer was too small for it. */
const MSG_TRUNC = 0x20;
export const EAGAIN = 11;
export const ENOBUFS = 105;

// No path: the symbols of this process, which is linked with its libc, be it glibc or musl.
const libc = koffi.load(null);
const c: {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly recvfrom: (
    fd: number,
    buffer: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint8Array,
  ) => number;
  readonly close: (fd: number) => number;
} = {
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, const void *, unsigned int)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const void *, unsigned int)'),
  send: libc.func('long send(int, const void *, size_t, int)'),
  recvfrom: libc.func('long recvfrom(int, void *, size_t, int, void *, void *)'),
  close: libc.func('int close(int)'),
};

/** A system call failed. `errno` is positive. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    super(`${call}(): ${errnoName(errno)}`);
  }
}

/** Opens and binds a non-blocking netlink socket; the kernel chooses its port. @throws {SystemCallError} */
export function openNetlinkSocket(protocol: number): number {
  const fd = check('socket', c.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  const address = new Uint8Array(SOCKADDR_NL_LENGTH);
  new Uint16Array(address.buffer)[0] = AF_NETLINK;
  check('bind', c.bind(fd, address, address.length));
  return fd;
}

/** Sets an option whose value is an int. The answer is the errno, 0 on success: not every kernel has them all. */
export function setSocketOption(fd: number, level: number, name: number, value: number): number {
  const bytes = new Uint8Array(Int32Array.of(value).buffer);
  return c.setsockopt(fd, level, name, bytes, bytes.length) < 0 ? koffi.errno() : 0;
}

/** Sends one datagram to the kernel. @throws {SystemCallError} */
export function send(fd: number, bytes: Uint8Array): void {
  check('send', c.send(fd, bytes, bytes.length, 0));
}

export type Received =
  /** `length` may be above the buffer's: then the rest is lost. Port 0 is the kernel. */
  { readonly length: number; readonly port: number } | { readonly errno: number };

export function receive(fd: number, buffer: Uint8Array): Received {
  const address = new Uint32Array(SOCKADDR_NL_LENGTH / 4);
  const addressLength = Uint32Array.of(SOCKADDR_NL_LENGTH);
  const length = c.recvfrom(
    fd,
    buffer,
    buffer.length,
    MSG_TRUNC,
    new Uint8Array(address.buffer),
    new Uint8Array(addressLength.buffer),
  );
  return length < 0 ? { errno: koffi.errno() } : { length, port: address[1] ?? 0 };
}

export function closeSocket(fd: number): void {
  c.close(fd);
}

/** Calls `onReadable` whenever the socket has something to read or an error to report, until stopped. */
export function pollReadable(
  fd: number,
  onReadable: () => void,
  onError: (error: unknown) => void,
): () => void {
  let handle: ReturnType<typeof koffi.node.poll>;
  const arm = () => {
    handle = koffi.node.poll(fd, { readable: true }, (status: unknown) => {
      const stopped = typeof status === 'number' && status < 0;
      if (stopped) {
        handle.close();
        arm();
      }
      try {
        onReadable();
      } catch (error) {
        onError(error);
      }
    });
  };
  arm();
  return () => handle.close();
}

function check(call: string, result: number): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return result;
}
