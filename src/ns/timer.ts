/**
 * A program that executes a command again and again for as long as a process lives: the timer of health checks. No
 * stack, no Node: it sleeps in ppoll(2) on the process' pidfd.
 */
import { cloneProgram, unloadProgram } from '../linux/clone.ts';
import { AT_FDCWD, O, POLL, PR } from '../linux/constants.ts';
import { Program, type Variable } from '../linux/program.ts';
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
  const [end, sleep, run, child, sooner] = [
    program.label(),
    program.label(),
    program.label(),
    program.label(),
    program.label(),
  ];
  const [pidfd, idle] = [program.variable(), program.variable()];
  const [seconds, nanoseconds] = [program.variable(), program.variable()];
  const wait = (ms: number) => {
    program.set(seconds, Math.floor(ms / 1000));
    program.set(nanoseconds, Math.round((ms % 1000) * 1e6));
  };
  detach(program, idle, unmap);
  program.call('pidfd_open', [request.pid, 0], { into: pidfd, onError: end });
  wait(request.firstMs);
  program.place(sleep);
  const [poll, timeout] = [program.words([0]), program.words([0, 0])];
  program.add(pidfd, BigInt(POLL.IN) << 32n, program.field(poll, 0));
  // The kernel writes the time that was left into the structure: it is filled anew each time.
  program.set(program.field(timeout, 0), seconds);
  program.set(program.field(timeout, 8), nanoseconds);
  program.call('ppoll', [poll, 1, timeout, 0, 8], { onZero: run });
  program.jump(end);
  program.place(run);
  const [pid, status, sigchld] = [program.variable(), program.words([0]), 17];
  program.call('clone', [sigchld, 0, 0, 0, 0], { into: pid, onZero: child, onError: sleep });
  program.call('wait4', [pid, status, 0, 0]);
  program.compare(program.field(status, 0), soonerExitCode << 8, { equal: sooner });
  wait(request.intervalMs);
  program.jump(sleep);
  program.place(sooner);
  wait(request.soonerMs);
  program.jump(sleep);
  program.place(child);
  resetSignals(program, 'default');
  const [path = ''] = request.args;
  program.call('execve', [program.text(path), program.strings(request.args), program.strings(request.env)], {
    onError: end,
  });
  program.place(end);
  program.placeFailed();
  program.call('exit_group', [0]);
}

/** No descriptor, terminal or memory of ctr's stays in use. */
function detach(program: Program, idle: Variable, unmap: UnmapVariables): void {
  keepOnly(program, []);
  program.call('setsid');
  resetSignals(program, 'ignore');
  program.call('openat', [AT_FDCWD, program.text('/dev/null'), O.RDWR, 0], { into: idle });
  for (const fd of [0, 1, 2]) program.call('dup3', [idle, fd, 0]);
  program.call('prctl', [PR.SET_NAME, program.text('ctr-health'), 0, 0, 0]);
  for (const [start, bytes] of unmap) program.call('munmap', [start, bytes]);
}
