/**
 * Start a name server that takes the place of another one without a moment in which nobody listens, although it knows
 * nothing of that: both have UDP sockets on the same address and port, of which the kernel gives every datagram to the
 * one that was bound last (net/ipv4/udp.c "udp4_lib_lookup2"). What the first one has read it still answers.
 *
 *   ctr           first                keeper                   server
 *    |--clone------>| setns                                        |
 *    |              |--clone------------>| pid namespace           |
 *    |              | ends               |--clone(VM|VFORK)------->| seccomp filter, execve
 *    |<--end of file, or {errno, record}-|<------------------------|
 *    |                                   |<--socket(AF_INET, …)----|
 *    |                                   |---SO_REUSEADDR, fd----->| bind
 *
 * The sockets need SO_REUSEADDR, which the server does not set. So the keeper makes them: a seccomp filter hands it each
 * socket(2) for UDP (seccomp_unotify(2)). Those after the first `listeners` are for questions to other servers and are left
 * alone: two of them must never get the same port.
 *
 * Should:  end with the server; end the predecessor once it can have nothing left to answer.
 * Mustn't: be what names depend on: where the kernel has no such filter, the server runs without.
 */
import { closeSync, readSync } from 'node:fs';
import { assembleBpf, auditArch, bpf, seccompAction, seccompData } from '../linux/bpf.ts';
import { cloneProgram, unloadProgram, waitFor } from '../linux/clone.ts';
import {
  AF,
  CLONE,
  O,
  POLL,
  PR,
  SECCOMP_ADDFD_FLAG_SEND,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_NOTIFY,
  SECCOMP_SET_MODE_FILTER,
  SECCOMP_USER_NOTIF_FLAG_CONTINUE,
  SO_REUSEADDR,
  SOCK,
  SOL_SOCKET,
} from '../linux/constants.ts';
import { moveUp, pipe } from '../linux/descriptors.ts';
import { failurePair, failurePairBytes, type Label, Program, type Variable } from '../linux/program.ts';
import { syscallNumber } from '../linux/syscalls.ts';
import { compileSteps, resetSignals } from './compile.ts';
import { keepOnly } from './compile-descriptors.ts';
import { joinSteps } from './inside.ts';
import { loadAlone, type UnmapVariables, unmapVariables } from './shed-memory.ts';
import { startError } from './start-error.ts';
import type { Step } from './steps.ts';

export interface NameServerRequest {
  /** A process whose user, mount, network and pid namespaces the server gets; it must not be in others afterwards. */
  readonly join: number;
  readonly clearGroups: boolean;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** How many sockets it binds when it starts. */
  readonly listeners: number;
  /** The pid of the server that this one replaces: ended some time after. */
  readonly predecessor?: number | undefined;
  readonly stdio: readonly [number, number, number];
}

export const keeperName = 'ctr-names';

const fdFloor = 100;
/** As long as questions to other servers may take. */
const drainSeconds = 5;
const [sigkill, sigchld] = [9, 17];

/** Returns when the server is executed; its first process goes to the background and ends. */
export function startNameServer(request: NameServerRequest): void {
  const [report, reportWrite] = pipe();
  const reportFd = moveUp(reportWrite, fdFloor);
  try {
    const program = new Program();
    const unmap = unmapVariables(program);
    const steps = compileNameServer(program, request, reportFd, unmap);
    const loaded = loadAlone(program, unmap);
    const first = cloneProgram(loaded, 0);
    unloadProgram(loaded);
    closeSync(reportFd);
    waitFor(first);
    const said = Buffer.alloc(failurePairBytes);
    if (readSync(report, said) !== said.length) return;
    const at = program.stepAt(said.readBigUInt64LE(8), loaded.base);
    const failed = { step: at?.step ?? -1, call: at?.call ?? 'clone', errno: Number(said.readBigUInt64LE(0)) };
    throw startError(failed, steps);
  } finally {
    closeSync(report);
  }
}

/** Returns the steps, for the text of an error. */
export function compileNameServer(
  program: Program,
  request: NameServerRequest,
  report: number,
  unmap: UnmapVariables,
): readonly Step[] {
  const context = { goFd: -1, consoleFd: -1, mounts: new Map() };
  const join = joinSteps(request.join, { clearGroups: request.clearGroups, network: request.join, pidNamespace: true });
  const steps: Step[] = [
    ...join,
    { kind: 'reset-signals' },
    { kind: 'close-descriptors', preserve: 0 },
    { kind: 'exec', args: request.args, env: request.env },
  ];
  const [predecessor, listener] = [program.variable(-1), program.variable(-1)];
  request.stdio.forEach((fd, index) => {
    if (fd !== index) program.call('dup3', [fd, index, 0]);
  });
  keepOnly(program, [report]);
  openPredecessor(program, request.predecessor, predecessor);
  compileSteps(program, steps.slice(0, join.length), context);
  const [keeper, server] = [program.label(), program.label()];
  program.call('clone', [sigchld, 0, 0, 0, 0], { onZero: keeper });
  program.call('exit_group', [0]);
  program.place(keeper);
  becomeKeeper(program, unmap);
  program.call('clone', [CLONE.VM | CLONE.VFORK | CLONE.FILES | sigchld, 0, 0, 0, 0], { onZero: server });
  program.call('close', [report]);
  makeSockets(program, { listener, predecessor, listeners: request.listeners });
  program.place(server);
  installFilter(program, listener);
  compileSteps(program, steps, context, { from: join.length });
  program.placeFailed();
  const ended = program.label();
  program.call('write', [report, failurePair, failurePairBytes], { onError: ended });
  program.place(ended);
  program.call('exit_group', [125]);
  return steps;
}

/** Before the namespaces are joined, where the pid means what ctr meant. That it has ended is no error. */
function openPredecessor(program: Program, pid: number | undefined, into: Variable): void {
  if (pid === undefined) return;
  const gone = program.label();
  program.call('pidfd_open', [pid, 0], { into, onError: gone });
  program.place(gone);
}

function becomeKeeper(program: Program, unmap: UnmapVariables): void {
  program.call('setsid');
  resetSignals(program, 'ignore');
  // Children are reaped by the kernel.
  program.call('rt_sigaction', [sigchld, program.words([1, 0, 0, 0]), 0, 8]);
  program.call('prctl', [PR.SET_NAME, program.text(keeperName), 0, 0, 0]);
  // Whoever owns the user namespace may look into it. proc(5) "PR_SET_DUMPABLE"
  program.call('prctl', [PR.SET_DUMPABLE, 1, 0, 0, 0]);
  for (const [start, bytes] of unmap) program.call('munmap', [start, bytes]);
}

/** A kernel that refuses (a filter of others has a listener already) leaves -1: the server goes without. */
function installFilter(program: Program, listener: Variable): void {
  const filter = socketFilter();
  const fprog = program.words([filter.length / 8, program.bytes(filter)]);
  const [without, result] = [program.label(), program.variable()];
  const flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  program.call('seccomp', [SECCOMP_SET_MODE_FILTER, flags, fprog], { into: result, onError: without });
  program.set(listener, result);
  program.place(without);
}

/** socket(2) for UDP is handed to the listener. */
export function socketFilter(arch: string = process.arch): Uint8Array {
  const [typeMask, toAllow] = [0xf, (index: number) => 9 - index];
  return assembleBpf([
    [bpf.loadWord, 0, 0, seccompData.arch],
    [bpf.jumpIfEqual, 0, toAllow(1), auditArch[arch] ?? 0],
    [bpf.loadWord, 0, 0, seccompData.number],
    [bpf.jumpIfEqual, 0, toAllow(3), syscallNumber('socket', arch)],
    [bpf.loadWord, 0, 0, seccompData.argument(0)],
    [bpf.jumpIfEqual, 1, 0, AF.INET],
    [bpf.jumpIfEqual, 0, toAllow(6), AF.INET6],
    [bpf.loadWord, 0, 0, seccompData.argument(1)],
    [bpf.and, 0, 0, typeMask],
    [bpf.jumpIfEqual, 1, 0, SOCK.DGRAM],
    [bpf.returnValue, 0, 0, seccompAction.allow],
    [bpf.returnValue, 0, 0, seccompAction.notify],
  ]);
}

interface Keeping {
  readonly listener: Variable;
  readonly predecessor: Variable;
  readonly listeners: number;
}

/** The keeper's loop, until nobody is left who has the filter. */
function makeSockets(program: Program, { listener, predecessor, listeners }: Keeping): void {
  const [wait, drained, asked, ended] = [program.label(), program.label(), program.label(), program.label()];
  const [ready, patience, poll] = [program.variable(), program.variable(), program.words([0])];
  program.compare(listener, 0, { less: ended });
  program.set(patience, program.words([drainSeconds, 0]));
  program.place(wait);
  // struct pollfd {int fd; short events, revents}: POLLHUP comes instead of POLLIN when the server has ended.
  program.add(listener, BigInt(POLL.IN) << 32n, program.field(poll, 0));
  program.add(program.field(poll, 0), BigInt(POLL.IN) << 48n, ready);
  program.call('ppoll', [poll, 1, patience, 0, 8], { onZero: drained, onError: wait });
  program.compare(program.field(poll, 0), ready, { equal: asked });
  endPredecessor(program, predecessor);
  program.place(ended);
  program.call('exit_group', [0]);
  program.place(drained);
  program.set(patience, 0);
  endPredecessor(program, predecessor);
  program.jump(wait);
  program.place(asked);
  answerSocket(program, listener, listeners, wait);
}

function endPredecessor(program: Program, predecessor: Variable): void {
  const gone = program.label();
  program.compare(predecessor, 0, { less: gone });
  program.call('pidfd_send_signal', [predecessor, sigkill, 0, 0], { onError: gone });
  program.place(gone);
}

/** One notification: a socket of ours for each of the first `listeners`, and then "go on as if nobody had asked". */
function answerSocket(program: Program, listener: Variable, listeners: number, done: Label): void {
  const [own, refused] = [program.label(), program.label()];
  const [left, socket] = [program.variable(listeners), program.variable()];
  // struct seccomp_notif {u64 id; u32 pid, flags; struct seccomp_data {int nr; u32 arch; u64 ip, args[6]}}, to be zero.
  const notification = program.bytes(Buffer.alloc(80));
  const id = program.field(notification, 0);
  const argument = (index: number) => program.field(notification, 32 + 8 * index);
  for (let offset = 0; offset < 80; offset += 8) program.set(program.field(notification, offset), 0);
  program.call('ioctl', [listener, SECCOMP_NOTIFY.RECV, notification], { onError: done });
  program.compare(left, 0, { equal: own });
  program.subtract(left, 1, left);
  program.call('socket', [argument(0), argument(1), argument(2)], { into: socket, onError: own });
  program.call('setsockopt', [socket, SOL_SOCKET, SO_REUSEADDR, program.words([1]), 4]);
  // struct seccomp_notif_addfd {u64 id; u32 flags, srcfd, newfd, newfd_flags}
  const addfd = program.words([0, SECCOMP_ADDFD_FLAG_SEND, BigInt(O.CLOEXEC) << 32n]);
  program.set(program.field(addfd, 0), id);
  program.set(program.field(addfd, 12), socket);
  program.call('ioctl', [listener, SECCOMP_NOTIFY.ADDFD, addfd], { onError: refused });
  program.call('close', [socket]);
  program.jump(done);
  program.place(refused);
  program.call('close', [socket]);
  program.place(own);
  // struct seccomp_notif_resp {u64 id; s64 val; s32 error; u32 flags}
  const response = program.words([0, 0, BigInt(SECCOMP_USER_NOTIF_FLAG_CONTINUE) << 32n]);
  program.set(program.field(response, 0), id);
  program.call('ioctl', [listener, SECCOMP_NOTIFY.SEND, response], { onError: done });
  program.jump(done);
}
