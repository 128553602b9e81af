/**
 * One AF_NETLINK socket: options, datagrams in and out, overruns (netlink(7)).
 *
 * The kernel drops what does not fit the receive buffer and says so once, with ENOBUFS; the socket lives on.
 * Datagrams whose sender is not the kernel are dropped: any process with CAP_NET_ADMIN may send us one.
 */
import {
  closeSocket,
  EAGAIN,
  ENOBUFS,
  openNetlinkSocket,
  pollReadable,
  receive,
  SystemCallError,
  send,
  setSocketOption,
} from './libc.js';

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** As SO_RCVBUF, and not capped by net.core.rmem_max; needs CAP_NET_ADMIN. */
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
/** The kernel fills at most 32 KiB in one datagram of a dump. */
const DATAGRAM_OCTETS = 64 << 10;

export interface NetlinkSocketOptions {
  readonly protocol: number;
  readonly groups: readonly number[];
  readonly receiveBufferOctets: number;
  onDatagram(datagram: Uint8Array): void;
  /** Something that the kernel sent is lost. */
  onOverrun(): void;
  /** The socket is of no more use. */
  onFailure(error: unknown): void;
}

export class NetlinkSocket {
  readonly #options: NetlinkSocketOptions;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(DATAGRAM_OCTETS);
  readonly #stopPolling: () => void;
  #closed = false;

  /** @throws {SystemCallError} when the socket cannot be opened or a group not be joined. */
  constructor(options: NetlinkSocketOptions) {
    this.#options = options;
    this.#fd = openNetlinkSocket(options.protocol);
    try {
      configure(this.#fd, options.receiveBufferOctets, options.groups);
    } catch (error) {
      closeSocket(this.#fd);
      throw error;
    }
    this.#stopPolling = pollReadable(this.#fd, () => this.#drain(), options.onFailure);
  }

  /** @throws {SystemCallError} */
  send(bytes: Uint8Array): void {
    if (this.#closed) throw new Error('This netlink socket is closed');
    send(this.#fd, bytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopPolling();
    closeSocket(this.#fd);
  }

  #drain(): void {
    while (!this.#closed) {
      const received = receive(this.#fd, this.#buffer);
      if ('errno' in received) {
        if (received.errno === EAGAIN) return;
        if (received.errno !== ENOBUFS) throw new SystemCallError('recvfrom', received.errno);
        this.#options.onOverrun();
      } else if (received.length > this.#buffer.length) {
        this.#options.onOverrun();
      } else if (received.port === 0) {
        this.#options.onDatagram(this.#buffer.slice(0, received.length));
      }
    }
  }
}

function configure(fd: number, receiveBufferOctets: number, groups: readonly number[]): void {
  if (setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferOctets) !== 0)
    setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferOctets);
  // Each of these makes answers better, and none is needed: a kernel older than 4.20 lacks the last one.
  for (const option of [NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK])
    setSocketOption(fd, SOL_NETLINK, option, 1);
  for (const group of groups) {
    const errno = setSocketOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
    if (errno !== 0) throw new SystemCallError('setsockopt', errno);
  }
}
