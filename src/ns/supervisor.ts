/**
 * The program that outlives ctr: parent of the container's first process, one loop, no stack, no Node.
 *
 *   ctr                        supervisor                     init
 *    |--clone--------------------->|                            |
 *    |                             |--clone(CLONE_NEW…)-------->|
 *    |<--started {pid, pidfd}------|                            | reads go
 *    | writes the id maps, compiles the steps, starts the network |
 *    |--go: the steps' program --------------------------------->| mounts, pivot_root, …
 *    |--rest: its own program ---->|                            |
 *    |<--end of file, or failed {errno, record}-----------------| execve
 *    |                             | copies output until init has ended
 *    |<--exited {wait status}------|
 *    |--bye (or end of file)------>| execs `ctr container cleanup` unless bye came
 *
 * The rest is compiled while the first process does its steps. When ctr dies before it is sent, the first process is killed.
 *
 * Should:  survive the death of ctr; need no memory but its own mappings; lose no output.
 * Mustn't: hold a descriptor of ctr that is not named here (a pipe's reader would wait for ever).
 */
import { AT_FDCWD, CLONE, O, POLL, PR, WNOHANG } from '../linux/constants.ts';
import {
  type DataRef,
  failurePair,
  failurePairBytes,
  type Label,
  type Operand,
  type Program,
  type Variable,
} from '../linux/program.ts';
import { type AttachClients, type AttachPoint, compileClients } from './attach-server.ts';
import { resetSignals } from './compile.ts';
import { keepOnly } from './compile-descriptors.ts';
import { receiveDescriptor } from './compile-terminal.ts';
import { compileOutput, type OutputSinks, type OutputStream, outputBuffers } from './output-pump.ts';
import type { Plan } from './plan.ts';
import { receiveProgram } from './sent-program.ts';

/** Descriptors by number, all ≥ 3 and kept open for the supervisor (`init…`: for the first process only). */
export interface SupervisorFds {
  /** Write end: messages to ctr. */
  readonly up: number;
  /** Read end: ctr's last word. */
  readonly bye: number;
  /** Receives the terminal's master; absent without a terminal. */
  readonly console?: number;
  /** Read ends of stdout and stderr, with O_NONBLOCK; absent when the container has ctr's own or a terminal. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** Read end: what it does once the first process exists. */
  readonly rest: number;
  readonly initGo: number;
  readonly initExec: number;
  readonly initConsole?: number;
  readonly initStdio: readonly [number, number, number];
  /** /dev/null, in place of ctr's stdio. */
  readonly idle: number;
  readonly others: readonly number[];
}

export interface SupervisorRequest {
  readonly fds: SupervisorFds;
  readonly cloneFlags: number;
  readonly join?: Plan['join'];
  readonly preserveFds?: number;
  readonly sinks: OutputSinks;
  readonly attach?: AttachPoint;
  /** Where the exit status goes on disk: written to `temp`, then renamed to `path`. */
  readonly exitFile: { readonly temp: string; readonly path: string };
  /** What takes over when ctr is not there to clean up: argv of an absolute program, and its environment. */
  readonly cleanup?: { readonly args: readonly string[]; readonly env: readonly string[] };
  /** SIGKILL for the first process after this time; absent: never. */
  readonly timeoutMs?: number;
  /** SIGKILL for the first process when ctr is gone before it: a build's step is of no use alone. */
  readonly dieWithCtr?: boolean;
  /** Memory to give back (start, bytes): all that it inherits of Node. */
  readonly unmap: ReadonlyArray<readonly [start: Variable, bytes: Variable]>;
}

const sigkill = 9;

export const message = { started: 1, exited: 2 } as const;
/** Kind and two values, each a word. */
export const messageBytes = 24;

/** Append the supervisor, its rest mapped at `restBase`; `compileInit` appends what the first process does after the clone. */
export function compileSupervisor(
  program: Program,
  request: SupervisorRequest,
  restBase: number,
  compileInit: () => void,
): void {
  const { fds } = request;
  const init = program.label();
  const child = program.words([0]);
  const pid = program.variable();
  const preserved = Array.from({ length: request.preserveFds ?? 0 }, (_, index) => 3 + index);
  keepOnly(program, [...supervisorDescriptors(fds), ...initDescriptors(fds), ...preserved]);
  program.call('setsid', [], { onError: ignore(program) });
  resetSignals(program, 'ignore');
  if (request.join) cloneInside(program, request.join, request.cloneFlags, child, pid, init);
  else cloneInit(program, request.cloneFlags, child, pid, init);
  send(program, fds.up, message.started, pid, program.field(child, 0));
  for (const fd of initDescriptors(fds).filter((each) => each !== fds.idle)) program.call('close', [fd]);
  for (const fd of preserved) program.call('close', [fd], { onError: ignore(program) });
  program.call('prctl', [PR.SET_NAME, program.text('ctr-supervise'), 0, 0, 0]);
  // With tee it writes to ctr's stdout and stderr; whatever else it held on to would keep a pipe's reader waiting.
  for (const fd of request.sinks.tee ? [0] : [0, 1, 2]) program.call('dup3', [fds.idle, fd, 0]);
  for (const [start, bytes] of request.unmap) program.call('munmap', [start, bytes]);
  const orphaned = program.label();
  receiveProgram(program, fds.rest, restBase, orphaned);
  program.place(orphaned);
  const status = program.variable();
  const [killed, reaped] = [program.label(), program.label()];
  program.call('kill', [pid, sigkill], { onError: killed });
  program.place(killed);
  program.call('wait4', [pid, status.variable, 0, 0], { onError: reaped });
  program.place(reaped);
  recordExit(program, request, status, undefined);
  program.place(init);
  initPrologue(program, fds);
  compileInit();
  program.placeFailed();
  reportFailure(program, fds.initExec);
}

/** A label just behind the record that is being appended: the error is no error here. */
function ignore(program: Program): Label {
  const next = program.label();
  next.record = program.recordCount + 1;
  return next;
}

function supervisorDescriptors(fds: SupervisorFds): number[] {
  const optional = [fds.console, fds.stdout, fds.stderr].filter((fd) => fd !== undefined);
  return [fds.up, fds.bye, fds.idle, fds.rest, ...optional, ...fds.others];
}

function initDescriptors(fds: SupervisorFds): number[] {
  const optional = fds.initConsole === undefined ? [] : [fds.initConsole];
  return [fds.initGo, fds.initExec, ...optional, ...fds.initStdio.filter((fd) => fd > 2)];
}

/** clone(2) without a stack: the child goes on with a copy. CLONE_PIDFD stores the pidfd at `child`. */
function cloneInit(program: Program, flags: number, child: { data: number }, pid: Variable, init: Label): void {
  const sigchld = 17;
  program.call('clone', [flags | CLONE.PIDFD | sigchld, 0, child, 0, 0], { into: pid, onZero: init });
}

/**
 * Clone from inside of another container's namespaces. A process that has joined a user namespace cannot come back, so
 * a helper joins: it shares memory and descriptors with the supervisor, and CLONE_PARENT makes the first process the
 * supervisor's child. setns(2), clone(2) "CLONE_PARENT"
 */
function cloneInside(
  program: Program,
  join: NonNullable<Plan['join']>,
  flags: number,
  child: { data: number },
  pid: Variable,
  init: Label,
): void {
  const sigchld = 17;
  const [inside, cloned, gone, reaped] = [program.label(), program.label(), program.label(), program.label()];
  const helper = program.variable();
  const asThread = CLONE.VM | CLONE.FILES | CLONE.VFORK | sigchld;
  program.call('clone', [asThread, 0, 0, 0, 0], { into: helper, onZero: inside });
  program.call('wait4', [helper, 0, 0, 0], { onError: reaped });
  program.place(reaped);
  program.compare(pid, 0, { equal: gone, less: gone });
  program.jump(cloned);
  program.place(gone);
  program.call('exit_group', [125]);
  program.place(inside);
  for (const path of [join.user, join.pid].filter((one) => one !== undefined)) {
    const fd = program.variable();
    program.call('openat', [AT_FDCWD, program.text(path), O.RDONLY | O.CLOEXEC, 0], { into: fd });
    program.call('setns', [fd, 0]);
    program.call('close', [fd]);
  }
  cloneInit(program, flags | CLONE.PARENT, child, pid, init);
  program.call('exit_group', [0]);
  program.place(cloned);
}

function send(program: Program, fd: number, kind: number, value: Variable, second: Operand = 0): void {
  const buffer = program.words([kind, 0, 0]);
  program.set(program.field(buffer, 8), value);
  program.set(program.field(buffer, 16), second);
  program.call('write', [fd, buffer, messageBytes], { onError: ignore(program) });
}

/** Append the rest: copy output until the first process, as the supervisor sees it, has ended; record it. */
export function compileSupervision(
  program: Program,
  request: SupervisorRequest,
  init: { readonly pid: number; readonly pidfd: number },
): void {
  const { fds } = request;
  const [pid, pidfd] = [program.variable(init.pid), program.variable(init.pidfd)];
  program.call('close', [fds.rest]);
  const streams = outputStreams(program, fds);
  const [wait, pass, ended, finish] = [program.label(), program.label(), program.label(), program.label()];
  const [exited, progress, status] = [program.variable(), program.variable(), program.variable()];
  const buffers = outputBuffers(program);
  const clients = request.attach && compileClients(program, request.attach, streams);
  const caller = request.dieWithCtr ? [program.variable(fds.bye)] : [];
  const polled = [pidfd, ...caller, ...streams.map(({ fd }) => fd), ...(clients?.polled ?? [])];
  const pollSet = program.bytes(Buffer.alloc(polled.length * 8));

  program.place(wait);
  polled.forEach((fd, index) => {
    setPollFd(program, pollSet, index, fd);
  });
  pollUntil(program, pollSet, polled.length, pid, request.timeoutMs);
  if (request.dieWithCtr) killWithoutCtr(program, fds.bye, pid);
  program.place(pass);
  program.set(progress, 0);
  // New clients first: one that connected before the first output gets all of it.
  clients?.serve();
  for (const stream of streams) compileOutput(program, stream, buffers, request.sinks, clients?.send, progress);
  const drained = program.label();
  program.compare(exited, 1, { equal: drained });
  program.call('wait4', [pid, status.variable, WNOHANG, 0], { onZero: wait, onError: ended });
  program.place(ended);
  program.set(exited, 1);
  program.jump(pass);
  program.place(drained);
  program.compare(progress, 0, { equal: finish });
  program.jump(pass);
  program.place(finish);
  recordExit(program, request, status, clients);
  // A failure of a call that nobody expected to fail: as if it had been killed.
  program.placeFailed();
  program.call('exit_group', [125]);
}

/** The kernel counts the time left down in ppoll's timespec by itself: ppoll(2) "C library/kernel differences". */
function pollUntil(program: Program, set: DataRef, count: number, pid: Variable, timeoutMs: number | undefined): void {
  if (timeoutMs === undefined) return program.call('ppoll', [set, count, 0, 0, 8]);
  const left = program.words([Math.floor(timeoutMs / 1000), (timeoutMs % 1000) * 1_000_000]);
  const [expired, ready] = [program.label(), program.label()];
  program.call('ppoll', [set, count, left, 0, 8], { onZero: expired });
  program.jump(ready);
  program.place(expired);
  const aCentury = 3_155_760_000;
  program.set(program.field(left, 0), aCentury);
  program.call('kill', [pid, sigkill], { onError: ready });
  program.place(ready);
}

/** Nothing is written to `bye` while the first process runs: what poll(2) reports is its other end being closed. */
function killWithoutCtr(program: Program, bye: number, pid: Variable): void {
  const set = program.bytes(Buffer.alloc(8));
  const here = program.label();
  setPollFd(program, set, 0, program.variable(bye));
  program.call('ppoll', [set, 1, program.words([0, 0]), 0, 8], { onZero: here });
  program.call('kill', [pid, sigkill], { onError: here });
  program.place(here);
}

/** With a terminal there is one stream, whose descriptor comes from init. */
function outputStreams(program: Program, fds: SupervisorFds): OutputStream[] {
  if (fds.console !== undefined) {
    const none = program.label();
    const master = receiveDescriptor(program, fds.console, none);
    setNonBlocking(program, master, none);
    const received = program.label();
    program.jump(received);
    program.place(none);
    program.set(master, -1);
    program.place(received);
    program.call('close', [fds.console]);
    return [{ number: 1, fd: master, terminal: true }];
  }
  const stream = (number: 1 | 2, fd: number | undefined) =>
    fd === undefined ? [] : [{ number, fd: program.variable(fd), terminal: false }];
  return [...stream(1, fds.stdout), ...stream(2, fds.stderr)];
}

function setNonBlocking(program: Program, fd: Operand, onError: Label): void {
  const [setFlags, readWriteNonBlocking] = [4, 0o4002];
  program.call('fcntl', [fd, setFlags, readWriteNonBlocking], { onError });
}

/** struct pollfd {int fd; short events, revents}: one word; a descriptor of -1 makes poll(2) skip the entry. */
function setPollFd(program: Program, set: { data: number }, index: number, fd: Variable): void {
  const entry = program.field(set, index * 8);
  const [closed, done] = [program.label(), program.label()];
  program.compare(fd, 0, { less: closed });
  program.add(fd, BigInt(POLL.IN) << 32n, entry);
  program.jump(done);
  program.place(closed);
  program.set(entry, -1);
  program.place(done);
}

/** Status to disk first: whoever learns of the end from ctr finds the file. */
function recordExit(
  program: Program,
  request: SupervisorRequest,
  status: Variable,
  clients: AttachClients | undefined,
): void {
  const { exitFile, fds, cleanup } = request;
  const [fd, record] = [program.variable(), program.words([0, 0, 0])];
  const lost = program.label();
  program.set(program.field(record, 0), status);
  program.call('clock_gettime', [0, { data: record.data + 8 }]);
  const create = 0o2001101;
  program.call('openat', [-100, program.text(exitFile.temp), create, 0o600], { into: fd, onError: lost });
  program.call('write', [fd, record, 24], { onError: lost });
  program.call('close', [fd]);
  program.call('renameat2', [-100, program.text(exitFile.temp), -100, program.text(exitFile.path), 0], {
    onError: lost,
  });
  program.place(lost);
  // Before ctr's last word is waited for: it may wait for the end of its connection.
  clients?.hangUp(status);
  send(program, fds.up, message.exited, status);
  const alone = program.label();
  program.call('read', [fds.bye, program.words([0]), 1], { onZero: alone, onError: alone });
  program.call('exit_group', [0]);
  program.place(alone);
  if (cleanup) {
    const failed = program.label();
    const [path = ''] = cleanup.args;
    program.call('execve', [program.text(path), program.strings(cleanup.args), program.strings(cleanup.env)], {
      onError: failed,
    });
    program.place(failed);
  }
  program.call('exit_group', [0]);
}

/** stdio is placed before anything else of init runs; fcntl in close-descriptors un-marks it later. */
function initPrologue(program: Program, fds: SupervisorFds): void {
  fds.initStdio.forEach((fd, index) => {
    if (fd !== index) program.call('dup3', [fd, index, 0]);
  });
}

/** {errno, record} to ctr, over a pipe that execve closes. */
function reportFailure(program: Program, execFd: number): void {
  const done = program.label();
  program.call('write', [execFd, failurePair, failurePairBytes], { onError: done });
  program.place(done);
  program.call('exit_group', [125]);
}
