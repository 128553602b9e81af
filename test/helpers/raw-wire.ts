/**
 * The far end of an interface of this namespace, where a test stands in for a whole machine: what it sends comes in
 * over the interface, and it sees what goes out. No address, no stack, no answer but what the test gives (packet(7)).
 *
 * Both ends of the pair are in one namespace. The far end has another hardware address than the one that packets are
 * sent to, so the kernel passes them by there, and only the test takes them.
 */
import koffi from 'koffi';
import { type Address, familyOf, type IpFamily } from '../../src/model/address.js';
import { ipJson } from './netns.js';
import { addressBytes } from './packet-bytes.js';

/** Of the near ends. */
export const NEAR_MAC = '02:00:00:00:00:fe';
/** To which packets must be sent that are to go out. */
export const FAR_MAC = 'ee:ee:ee:ee:ee:ee';

const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL = 3;
const ETHER_TYPE: Readonly<Record<IpFamily, string>> = { 4: '0800', 6: '86dd' };
const ETHER_OCTETS = 14;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const IPPROTO_RAW = 255;
const MSG_DONTWAIT = 0x40;
const RECEIVE_BUFFER_OCTETS = 64 << 20;

const libc = koffi.load(null);
const c: {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Uint8Array, length: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly sendto: (
    fd: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array | null,
    addressLength: number,
  ) => number;
  readonly recv: (fd: number, buffer: Uint8Array, length: number, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly getaffinity: (thread: number, length: number, cpus: Uint8Array) => number;
  readonly setaffinity: (thread: number, length: number, cpus: Uint8Array) => number;
} = {
  socket: libc.func('int socket(int, int, int)'),
  bind: libc.func('int bind(int, const void *, unsigned int)'),
  setsockopt: libc.func('int setsockopt(int, int, int, const void *, unsigned int)'),
  sendto: libc.func('long sendto(int, const void *, size_t, int, const void *, unsigned int)'),
  recv: libc.func('long recv(int, void *, size_t, int)'),
  close: libc.func('int close(int)'),
  getaffinity: libc.func('int sched_getaffinity(int, size_t, void *)'),
  setaffinity: libc.func('int sched_setaffinity(int, size_t, const void *)'),
};

const CPU_SET_OCTETS = 1024;

/**
 * Does something on one processor, always the same: what is sent there is handled in the order in which it was sent,
 * while each processor has a queue of its own for what virtual interfaces receive.
 */
export function onOneCpu(act: () => void): void {
  const allowed = Buffer.alloc(CPU_SET_OCTETS);
  if (c.getaffinity(0, allowed.length, allowed) < 0)
    throw new Error('the processors of this thread are unknown');
  const one = Buffer.alloc(CPU_SET_OCTETS);
  const octet = allowed.findIndex((bits) => bits !== 0);
  one[octet] = (allowed[octet] ?? 0) & -(allowed[octet] ?? 0);
  if (c.setaffinity(0, one.length, one) < 0) throw new Error('this thread stays on no processor');
  try {
    act();
  } finally {
    c.setaffinity(0, allowed.length, allowed);
  }
}

const frame = Buffer.alloc(64 << 10);

/** Sends and receives IP packets at one end of a pair. */
export class RawWire implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static async open(farEnd: string): Promise<RawWire> {
    const [link] = await ipJson(`link show dev ${farEnd}`);
    const fd = check('socket', c.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    const wire = new RawWire(fd);
    const address = Buffer.alloc(20);
    new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_PACKET;
    address.writeUInt16BE(ETH_P_ALL, 2);
    new Int32Array(address.buffer, address.byteOffset + 4, 1)[0] = Number(link?.ifindex);
    setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_OCTETS);
    setOption(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    check('bind', c.bind(fd, address, address.length));
    return wire;
  }

  /** @param packet - from its IP header on */
  send(packet: Buffer): void {
    const family = (packet[0] ?? 0) >> 4 === 6 ? 6 : 4;
    const head = `${NEAR_MAC}${FAR_MAC}`.replaceAll(':', '') + ETHER_TYPE[family];
    const bytes = Buffer.concat([Buffer.from(head, 'hex'), packet]);
    check('send', c.sendto(this.#fd, bytes, bytes.length, 0, null, 0));
  }

  /** IP packets that have come since the last look. */
  *received(): Generator<Buffer, void> {
    for (const bytes of drain(this.#fd)) yield bytes.subarray(ETHER_OCTETS);
  }

  [Symbol.dispose](): void {
    c.close(this.#fd);
  }
}

/** The host itself: packets that it sends, and those that reach it past its INPUT chain (raw(7)). */
export class HostWire implements Disposable {
  readonly #senders: Readonly<Record<IpFamily, number>>;
  readonly #receivers: readonly number[];

  constructor(protocols: Readonly<Record<IpFamily, readonly number[]>>) {
    const open = (family: IpFamily, protocol: number) =>
      check('socket', c.socket(family === 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, protocol));
    this.#senders = { 4: open(4, IPPROTO_RAW), 6: open(6, IPPROTO_RAW) };
    this.#receivers = ([4, 6] as const).flatMap((family) =>
      protocols[family].map((protocol) => open(family, protocol)),
    );
    for (const fd of this.#receivers) setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_OCTETS);
  }

  send(packet: Buffer, to: Address): void {
    const family = familyOf(to);
    const address = Buffer.alloc(family === 4 ? 16 : 28);
    new Uint16Array(address.buffer, address.byteOffset, 1)[0] = family === 4 ? AF_INET : AF_INET6;
    addressBytes(to, family).copy(address, family === 4 ? 4 : 8);
    // One that its own rules drop is an error here: it does not come.
    c.sendto(this.#senders[family], packet, packet.length, 0, address, address.length);
  }

  /** Of IPv6, without the header. */
  *received(): Generator<Buffer, void> {
    for (const fd of this.#receivers) yield* drain(fd);
  }

  [Symbol.dispose](): void {
    for (const fd of [...Object.values(this.#senders), ...this.#receivers]) c.close(fd);
  }
}

function* drain(fd: number): Generator<Buffer, void> {
  for (;;) {
    const length = c.recv(fd, frame, frame.length, MSG_DONTWAIT);
    if (length < 0) return;
    yield Buffer.from(frame.subarray(0, length));
  }
}

function setOption(fd: number, level: number, name: number, value: number): void {
  check('setsockopt', c.setsockopt(fd, level, name, new Uint8Array(Int32Array.of(value).buffer), 4));
}

function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call}(): errno ${koffi.errno()}`);
  return result;
}
