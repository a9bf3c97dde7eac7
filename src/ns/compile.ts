/**
 * Step[] → records of a syscall program. No kernel is needed here: constants in, records out. Steps about mounts are in
 * compile-mounts.ts, those about ids and privileges in compile-privileges.ts, exec's search in compile-exec.ts.
 */

import { AF, AT_FDCWD, CLOSE_RANGE_CLOEXEC, IFF, IOCTL, O, RLIMIT, SOCK } from '../linux/constants.ts';
import type { Program, Variable } from '../linux/program.ts';
import { compileExec } from './compile-exec.ts';
import { compileMountStep, isMountStep } from './compile-mounts.ts';
import { compilePrivilegeStep, isPrivilegeStep } from './compile-privileges.ts';
import { compileProcessStep, isProcessStep } from './compile-process.ts';
import { compileTerminal } from './compile-terminal.ts';
import type { UnmapVariables } from './shed-memory.ts';
import type { Step } from './steps.ts';

/** What steps need to know of the process around them: descriptors with fixed numbers, detached mounts by name. */
export interface CompileContext {
  /** Read end of the pipe on which ctr says that the maps are written. */
  readonly goFd: number;
  /** Socket to the supervisor over which the terminal's master goes. */
  readonly consoleFd: number;
  readonly mounts: Map<string, Variable>;
  /** For an init that stays beside the command. */
  readonly unmap?: UnmapVariables;
}

/** Append the records of `steps`, those before `from` left out; a failed record names its step by its index here. */
export function compileSteps(
  program: Program,
  steps: readonly Step[],
  context: CompileContext,
  { from = 0 }: { readonly from?: number } = {},
): void {
  for (let index = from; index < steps.length; index++) {
    const step = steps[index];
    if (!step) continue;
    program.beginStep(index);
    compileStep(program, step, context);
  }
}

function compileStep(program: Program, step: Step, context: CompileContext): void {
  if (isMountStep(step)) return compileMountStep(program, step, context.mounts);
  if (isPrivilegeStep(step)) return compilePrivilegeStep(program, step);
  if (isProcessStep(step)) return compileProcessStep(program, step, context.unmap ?? []);
  switch (step.kind) {
    case 'wait-for-maps':
      return waitForMaps(program, context.goFd);
    case 'join-namespace':
      return joinNamespace(program, step.path);
    case 'write-file':
      return writeFile(program, step.path, step.text);
    case 'loopback-up':
      return loopbackUp(program);
    case 'hostname': {
      const call = step.domain ? 'setdomainname' : 'sethostname';
      return program.call(call, [program.text(step.name), Buffer.byteLength(step.name)]);
    }
    case 'terminal':
      return compileTerminal(program, step, context.consoleFd);
    case 'session':
      return program.call('setsid');
    case 'rlimit': {
      const limit = program.words([step.soft, step.hard]);
      return program.call('prlimit64', [0, RLIMIT[step.name] ?? -1, limit, 0]);
    }
    case 'umask':
      return program.call('umask', [step.mask]);
    case 'chdir':
      return program.call('chdir', [program.text(step.path)]);
    case 'reset-signals':
      return resetSignals(program, 'default');
    case 'close-descriptors':
      return closeDescriptors(program, step.preserve);
    case 'exec':
      return compileExec(program, step);
    default:
      return step satisfies never;
  }
}

/** One byte means go; end of file means that ctr is gone: leave quietly, nothing has been changed yet. */
function waitForMaps(program: Program, goFd: number): void {
  const [gone, go] = [program.label(), program.label()];
  program.call('read', [goFd, program.bytes(Buffer.alloc(8)), 1], { onZero: gone });
  program.jump(go);
  program.place(gone);
  program.call('exit_group', [125]);
  program.place(go);
}

function joinNamespace(program: Program, path: string): void {
  const fd = program.variable();
  program.call('openat', [AT_FDCWD, program.text(path), O.RDONLY | O.CLOEXEC, 0], { into: fd });
  program.call('setns', [fd, 0]);
  program.call('close', [fd]);
}

function writeFile(program: Program, path: string, text: string): void {
  const fd = program.variable();
  program.call('openat', [AT_FDCWD, program.text(path), O.WRONLY | O.CLOEXEC, 0], { into: fd });
  program.call('write', [fd, program.text(text), Buffer.byteLength(text)]);
  program.call('close', [fd]);
}

/** netdevice(7): struct ifreq {char name[16]; short flags; …}. */
function loopbackUp(program: Program): void {
  const request = Buffer.alloc(40);
  request.write('lo');
  request.writeInt16LE(IFF.UP | IFF.RUNNING, 16);
  const fd = program.variable();
  program.call('socket', [AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0], { into: fd });
  program.call('ioctl', [fd, IOCTL.SIOCSIFFLAGS, program.bytes(request)]);
  program.call('close', [fd]);
}

const [sigkill, sigchld, sigstop, lastStandard] = [9, 17, 19, 31];

/**
 * Every catchable signal gets its default action (or is ignored) and none is blocked: Node ignores SIGPIPE, callers such
 * as nohup ignore others, and execve(2) keeps ignored signals ignored. struct kernel_sigaction begins with the handler.
 */
export function resetSignals(program: Program, action: 'default' | 'ignore'): void {
  const byDefault = program.words([0, 0, 0, 0]);
  const act = action === 'default' ? byDefault : program.words([1, 0, 0, 0]);
  const none = program.words([0]);
  for (let signal = 1; signal <= lastStandard; signal++) {
    if (signal === sigkill || signal === sigstop) continue;
    // An ignored SIGCHLD would make the kernel reap children and keep their status from wait4(2).
    program.call('rt_sigaction', [signal, signal === sigchld ? byDefault : act, 0, 8]);
  }
  const setMask = 2;
  program.call('rt_sigprocmask', [setMask, none, 0, 8]);
}

/** close_range(2) closes the rest on exec, so that the pipe that reports errors lives until then; fcntl un-marks stdio. */
function closeDescriptors(program: Program, preserve: number): void {
  const firstClosed = 3 + preserve;
  const setFlags = 2;
  // libuv marks 0-2 close-on-exec when Node starts.
  for (let fd = 0; fd < firstClosed; fd++) program.call('fcntl', [fd, setFlags, 0]);
  program.call('close_range', [firstClosed, 0xffffffff, CLOSE_RANGE_CLOEXEC]);
}
