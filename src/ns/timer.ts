/**
 * A program that executes a command again and again for as long as a process lives: the timer of health checks, and the
 * one who hears the other machines of an overlay network. No stack, no Node: it sleeps in ppoll(2) on the process' pidfd.
 */
import { cloneProgram, unloadProgram } from '../linux/clone.ts';
import { AT_FDCWD, O, POLL, PR } from '../linux/constants.ts';
import { type DataRef, type Label, Program, type Variable } from '../linux/program.ts';
import { resetSignals } from './compile.ts';
import { keepOnly } from './compile-descriptors.ts';
import { loadAlone, type UnmapVariables, unmapVariables } from './shed-memory.ts';

export interface TimerRequest {
  /** It ends when this process does. */
  readonly pid: number;
  readonly firstMs: number;
  readonly intervalMs: number;
  /** The time until the next run when the last one ended with `soonerExitCode`. */
  readonly soonerMs: number;
  /** argv of an absolute program, and its environment. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** What the program is called in lists of processes. */
  readonly name: string;
  readonly wakes?: TimerWakes;
}

/** What makes it run something before its time is over. One command runs at a time. */
export interface TimerWakes {
  /** Read end of a FIFO: bytes in it make the command run. */
  readonly fifo: number;
  /** A socket that listens, not blocking: each connection becomes stdin and stdout of this command. */
  readonly socket: number;
  readonly connectionArgs: readonly string[];
  /** Kept open for as long as it runs. */
  readonly lifeline: number;
}

export const soonerExitCode = 10;

/** Returns the timer's pid. */
export function startTimer(request: TimerRequest): number {
  const program = new Program();
  const unmap = unmapVariables(program);
  compileTimer(program, request, unmap);
  const loaded = loadAlone(program, unmap);
  const pid = cloneProgram(loaded, 0);
  unloadProgram(loaded);
  return pid;
}

export function compileTimer(program: Program, request: TimerRequest, unmap: UnmapVariables): void {
  const [end, sleep, rest] = [program.label(), program.label(), program.label()];
  const [run, sooner] = [program.label(), program.label()];
  const [pidfd, idle] = [program.variable(), program.variable()];
  const [seconds, nanoseconds] = [program.variable(), program.variable()];
  const wait = (ms: number) => {
    program.set(seconds, Math.floor(ms / 1000));
    program.set(nanoseconds, Math.round((ms % 1000) * 1e6));
  };
  detach(program, idle, request, unmap);
  program.call('pidfd_open', [request.pid, 0], { into: pidfd, onError: end });
  wait(request.firstMs);
  const [poll, timeout] = [program.words([0, 0, 0]), program.words([0, 0])];
  const fds = [pidfd, ...(request.wakes ? [request.wakes.socket, request.wakes.fifo] : [])];
  // The kernel writes the time that was left into the structure: it is filled anew for each run.
  program.place(sleep);
  program.set(program.field(timeout, 0), seconds);
  program.set(program.field(timeout, 8), nanoseconds);
  program.place(rest);
  fds.forEach((fd, index) => void program.add(fd, wantsInput, program.field(poll, index * 8)));
  program.call('ppoll', [poll, fds.length, timeout, 0, 8], { onZero: run });
  if (request.wakes) wake(program, request, request.wakes, { poll, rest, run, end });
  else program.jump(end);
  program.place(run);
  const status = runCommand(program, request, { args: request.args, otherwise: sleep });
  program.compare(program.field(status, 0), soonerExitCode << 8, { equal: sooner });
  wait(request.intervalMs);
  program.jump(sleep);
  program.place(sooner);
  wait(request.soonerMs);
  program.jump(sleep);
  program.place(end);
  program.placeFailed();
  program.call('exit_group', [0]);
}

/** struct pollfd {int fd; short events, revents}: as long as revents is 0 its word is the descriptor and this. */
const wantsInput = BigInt(POLL.IN) << 32n;

interface Wake {
  readonly poll: DataRef;
  readonly rest: Label;
  readonly run: Label;
  readonly end: Label;
}

/** ppoll has returned with something: a connection is served, bytes of the FIFO are read away, else the process has ended. */
function wake(program: Program, request: TimerRequest, wakes: TimerWakes, { poll, rest, run, end }: Wake): void {
  const [noConnection, connection] = [program.label(), program.variable()];
  const idleWord = (fd: number) => BigInt(fd) + wantsInput;
  program.compare(program.field(poll, 8), idleWord(wakes.socket), { equal: noConnection });
  program.call('accept4', [wakes.socket, 0, 0, O.CLOEXEC], { into: connection, onError: rest });
  runCommand(program, request, { args: wakes.connectionArgs, stdio: connection, otherwise: rest });
  program.call('close', [connection]);
  program.jump(rest);
  program.place(noConnection);
  program.compare(program.field(poll, 16), idleWord(wakes.fifo), { equal: end });
  const drainBytes = 64;
  program.call('read', [wakes.fifo, program.bytes(Buffer.alloc(drainBytes)), drainBytes], { onError: rest });
  program.jump(run);
}

interface TimedCommand {
  readonly args: readonly string[];
  readonly stdio?: Variable;
  /** Where to go when there can be no process now. */
  readonly otherwise: Label;
}

/** Returns where its wait status is. */
function runCommand(program: Program, { env }: TimerRequest, { args, stdio, otherwise }: TimedCommand): DataRef {
  const [pid, status, sigchld] = [program.variable(), program.words([0]), 17];
  const [child, parent, lost] = [program.label(), program.label(), program.label()];
  program.call('clone', [sigchld, 0, 0, 0, 0], { into: pid, onZero: child, onError: otherwise });
  program.jump(parent);
  program.place(child);
  resetSignals(program, 'default');
  if (stdio) for (const fd of [0, 1]) program.call('dup3', [stdio, fd, 0]);
  const [path = ''] = args;
  program.call('execve', [program.text(path), program.strings(args), program.strings(env)], { onError: lost });
  program.place(lost);
  program.call('exit_group', [127]);
  program.place(parent);
  program.call('wait4', [pid, status, 0, 0]);
  return status;
}

/** No descriptor, terminal or memory of ctr's stays in use. */
function detach(program: Program, idle: Variable, { name, wakes }: TimerRequest, unmap: UnmapVariables): void {
  keepOnly(program, wakes ? [wakes.fifo, wakes.socket, wakes.lifeline] : []);
  program.call('setsid');
  resetSignals(program, 'ignore');
  program.call('openat', [AT_FDCWD, program.text('/dev/null'), O.RDWR, 0], { into: idle });
  for (const fd of [0, 1, 2]) program.call('dup3', [idle, fd, 0]);
  program.call('prctl', [PR.SET_NAME, program.text(name), 0, 0, 0]);
  for (const [start, bytes] of unmap) program.call('munmap', [start, bytes]);
}
