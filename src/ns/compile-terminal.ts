/**
 * The pseudo-terminal of a container: made by its first process from its own devpts, so that `tty` says /dev/pts/0. The
 * master goes to the supervisor over a socket (SCM_RIGHTS), the slave becomes stdin, stdout and stderr.
 */
import { AT_FDCWD, IOCTL, MS, O, SCM_RIGHTS, SOL_SOCKET } from '../linux/constants.ts';
import type { Program, Variable } from '../linux/program.ts';
import type { Step } from './steps.ts';

export function compileTerminal(program: Program, step: Extract<Step, { kind: 'terminal' }>, consoleFd: number): void {
  const [master, slave] = [program.variable(), program.variable()];
  program.call('openat', [AT_FDCWD, program.text('/dev/pts/ptmx'), O.RDWR | O.NOCTTY | O.CLOEXEC, 0], { into: master });
  program.call('ioctl', [master, IOCTL.TIOCSPTLCK, program.words([0])]);
  program.call('ioctl', [master, IOCTL.TIOCSWINSZ, program.bytes(windowSize(step.rows, step.columns))]);
  // TIOCGPTPEER instead of a path: nothing in the container can stand in for the slave.
  program.call('ioctl', [master, IOCTL.TIOCGPTPEER, O.RDWR | O.NOCTTY], { into: slave });
  sendDescriptor(program, consoleFd, master);
  program.call('close', [master]);
  program.call('setsid');
  program.call('ioctl', [slave, IOCTL.TIOCSCTTY, 0]);
  program.call('fchown', [slave, step.uid, step.gid]);
  for (const fd of [0, 1, 2]) program.call('dup3', [slave, fd, 0]);
  program.call('close', [slave]);
  if (step.console) bindConsole(program);
}

function bindConsole(program: Program): void {
  const [console, pts] = [program.text('/dev/console'), program.text('/dev/pts/0')];
  const [noConsole, fd] = [program.label(), program.variable()];
  program.call('openat', [AT_FDCWD, console, O.WRONLY | O.CREAT | O.CLOEXEC, 0o600], { into: fd, onError: noConsole });
  program.call('close', [fd]);
  program.call('mount', [pts, console, 0, MS.BIND, 0], { onError: noConsole });
  program.place(noConsole);
}

/** struct winsize (tty_ioctl(4)). */
export function windowSize(rows: number, columns: number): Buffer {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  return size;
}

const cmsgHeaderBytes = 16;
const controlBytes = 24;

/** struct msghdr {name, namelen, iov, iovlen, control, controllen, flags} with one byte and one descriptor. */
function message(program: Program): { header: ReturnType<Program['words']>; descriptor: Variable } {
  const payload = program.words([1]);
  const iov = program.words([payload, 1]);
  const control = program.words([BigInt(cmsgHeaderBytes + 4), BigInt(SOL_SOCKET) | (BigInt(SCM_RIGHTS) << 32n), 0]);
  const header = program.words([0, 0, iov, 1, control, controlBytes, 0]);
  return { header, descriptor: program.field(control, cmsgHeaderBytes) };
}

function sendDescriptor(program: Program, socket: number, fd: Variable): void {
  const { header, descriptor } = message(program);
  program.set(descriptor, fd);
  program.call('sendmsg', [socket, header, 0]);
}

/** Receive a descriptor; `none` is where to go when the peer is gone. unix(7) */
export function receiveDescriptor(program: Program, socket: number, none: ReturnType<Program['label']>): Variable {
  const { header, descriptor } = message(program);
  const closeOnExec = 0x40000000;
  program.set(descriptor, 0);
  program.call('recvmsg', [socket, header, closeOnExec], { onZero: none, onError: none });
  return descriptor;
}
