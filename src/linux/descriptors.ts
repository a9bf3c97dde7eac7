/** File descriptors that Node's fs does not make: pipes, sockets, duplicates with a chosen floor. All close-on-exec. */
import { closeSync } from 'node:fs';
import { AF, F, O, SOCK } from './constants.ts';
import { libc } from './ffi.ts';

/** pipe2(2) with O_CLOEXEC: [read end, write end]. */
export function pipe(): [number, number] {
  const fds = Buffer.alloc(8);
  libc('pipe2', 'i32', ['buf', fds], ['i32', O.CLOEXEC]);
  return [fds.readInt32LE(0), fds.readInt32LE(4)];
}

/** socketpair(2) of unix sockets. */
export function socketPair(type: number): [number, number] {
  const fds = Buffer.alloc(8);
  libc('socketpair', 'i32', ['i32', AF.UNIX], ['i32', type | SOCK.CLOEXEC], ['i32', 0], ['buf', fds]);
  return [fds.readInt32LE(0), fds.readInt32LE(4)];
}

/** A duplicate numbered `floor` or above. fcntl(2) F_DUPFD_CLOEXEC */
export function duplicate(fd: number, floor: number): number {
  return libc('fcntl', 'i32', ['i32', fd], ['i32', F.DUPFD_CLOEXEC], ['i32', floor]);
}

/** Move a descriptor to a number of at least `floor`, out of the way of stdio and of those that a command is given. */
export function moveUp(fd: number, floor: number): number {
  const moved = duplicate(fd, floor);
  closeSync(fd);
  return moved;
}

/** No program that this process executes gets it. fcntl(2) FD_CLOEXEC */
export function setCloseOnExec(fd: number): void {
  libc('fcntl', 'i32', ['i32', fd], ['i32', F.SETFD], ['i32', 1]);
}

export function setNonBlocking(fd: number): void {
  const flags = libc('fcntl', 'i32', ['i32', fd], ['i32', F.GETFL], ['i32', 0]);
  libc('fcntl', 'i32', ['i32', fd], ['i32', F.SETFL], ['i32', flags | O.NONBLOCK]);
}

/**
 * A unix socket bound to `name` in the directory open at `directoryFd`. sun_path holds 108 bytes, less than many runtime
 * directories need, so the address goes through /proc/self/fd. unix(7)
 */
export function boundSocket(type: number, directoryFd: number, name: string): number {
  const fd = libc('socket', 'i32', ['i32', AF.UNIX], ['i32', type | SOCK.CLOEXEC | SOCK.NONBLOCK], ['i32', 0]);
  const address = unixAddress(`/proc/self/fd/${directoryFd}/${name}`);
  libc('bind', 'i32', ['i32', fd], ['buf', address], ['i32', address.length]);
  if (type === SOCK.STREAM) libc('listen', 'i32', ['i32', fd], ['i32', 16]);
  return fd;
}

/** A blocking connection to the socket at `path` (short, or through /proc/self/fd; `@name` is an abstract one). */
export function connectedSocket(type: number, path: string): number {
  const fd = libc('socket', 'i32', ['i32', AF.UNIX], ['i32', type | SOCK.CLOEXEC], ['i32', 0]);
  const address = unixAddress(path);
  libc('connect', 'i32', ['i32', fd], ['buf', address], ['i32', address.length]);
  return fd;
}

/** struct sockaddr_un; an abstract name begins with NUL and has its length, unix(7). */
function unixAddress(path: string): Buffer {
  if (path.startsWith('@')) return unixAddress(`\0${path.slice(1)}`).subarray(0, -1);
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1);
  address.writeUInt16LE(AF.UNIX, 0);
  address.write(path, 2);
  return address;
}

/** A read that waits longer fails with EAGAIN. socket(7) SO_RCVTIMEO */
export function setReceiveTimeout(fd: number, milliseconds: number): void {
  const [solSocket, soRcvTimeo] = [1, 20];
  const timeval = Buffer.alloc(16);
  timeval.writeBigInt64LE(BigInt(Math.trunc(milliseconds / 1000)), 0);
  timeval.writeBigInt64LE(BigInt((milliseconds % 1000) * 1000), 8);
  libc('setsockopt', 'i32', ['i32', fd], ['i32', solSocket], ['i32', soRcvTimeo], ['buf', timeval], ['i32', 16]);
}
