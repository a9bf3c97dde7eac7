/**
 * A TCP socket in a network namespace that a child user namespace owns, for this process, which cannot go there: a child
 * that shares the table of descriptors goes and makes it (clone(2) CLONE_FILES, setns(2)). A socket stays where it was made.
 */
import { closeSync, openSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { parseIp } from '../base/ip-network.ts';
import { cloneProgram, exitCodeOf, loadProgram, unloadProgram, waitFor } from '../linux/clone.ts';
import { AF, AT_FDCWD, CLONE, O, SOCK } from '../linux/constants.ts';
import { moveUp } from '../linux/descriptors.ts';
import { Program } from '../linux/program.ts';

export interface SocketRequest {
  /** A process in the user namespace. */
  readonly pid: number;
  /** A path of the network namespace. */
  readonly network: string;
  /** IPv6. */
  readonly address: string;
  readonly port: number;
}

/** A socket that listens, not blocking. */
export const listenInside = (request: SocketRequest): number => socketInside(request, 'listen');

/** A socket on its way to be connected, not blocking: connect(2) EINPROGRESS. What fails later is told by a write. */
export const connectInside = (request: SocketRequest): number => socketInside(request, 'connect');

const fdFloor = 100;

function socketInside(request: SocketRequest, use: 'listen' | 'connect'): number {
  // Its place in the table is taken here, so that no other thread's descriptor can be in the way.
  const fd = moveUp(openSync('/dev/null', 'r'), fdFloor);
  const loaded = loadProgram(compileSocket(request, use, fd));
  const pid = cloneProgram(loaded, CLONE.FILES);
  unloadProgram(loaded);
  if (exitCodeOf(waitFor(pid)) === 0) return fd;
  closeSync(fd);
  throw new CtrError('NETWORK', `no socket in the tunnel: cannot ${use} at ${request.address}`);
}

function compileSocket(request: SocketRequest, use: 'listen' | 'connect', fd: number): Program {
  const program = new Program();
  const [user, network, socket, done] = [program.variable(), program.variable(), program.variable(), program.label()];
  const open = { flags: O.RDONLY | O.CLOEXEC };
  program.call('openat', [AT_FDCWD, program.text(`/proc/${request.pid}/ns/user`), open.flags, 0], { into: user });
  program.call('openat', [AT_FDCWD, program.text(request.network), open.flags, 0], { into: network });
  program.call('setns', [user, CLONE.NEWUSER]);
  program.call('setns', [network, CLONE.NEWNET]);
  program.call('close', [user]);
  program.call('close', [network]);
  program.call('socket', [AF.INET6, SOCK.STREAM | SOCK.NONBLOCK | SOCK.CLOEXEC, 0], { into: socket });
  program.call('dup3', [socket, fd, O.CLOEXEC]);
  program.call('close', [socket]);
  const address = sockaddr6(request);
  if (use === 'listen') {
    const [solSocket, soReuseAddr] = [1, 2];
    program.call('setsockopt', [fd, solSocket, soReuseAddr, program.words([1]), 4]);
    program.call('bind', [fd, program.bytes(address), address.length]);
    program.call('listen', [fd, 16]);
  } else program.call('connect', [fd, program.bytes(address), address.length], { onError: done });
  program.place(done);
  program.call('exit_group', [0]);
  program.placeFailed();
  program.call('exit_group', [1]);
  return program;
}

/** struct sockaddr_in6. */
function sockaddr6({ address, port }: SocketRequest): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt16LE(AF.INET6, 0);
  bytes.writeUInt16BE(port, 2);
  const value = parseIp(address)?.value ?? 0n;
  Buffer.from(value.toString(16).padStart(32, '0'), 'hex').copy(bytes, 8);
  return bytes;
}
