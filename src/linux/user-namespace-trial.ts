/**
 * Try something in a new user namespace and see what the kernel says: the only honest way to know what a host allows.
 * The trial is a syscall program in a short-lived child with a single-id map; nothing of it outlives the child but what
 * it wrote into directories.
 */
import { closeSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { cloneProgram, loadProgram, unloadProgram, waitFor } from './clone.ts';
import { CLONE } from './constants.ts';
import { pipe } from './descriptors.ts';
import { SyscallError } from './ffi.ts';
import { failurePair, failurePairBytes, Program } from './program.ts';

export interface Trial {
  /** CLONE_NEW… beside CLONE_NEWUSER. */
  readonly flags: number;
  /** Append the calls to try; the child is root in its namespace. */
  readonly build: (program: Program) => void;
  /** Called with the waiting child's pid before the calls run, and instead of the single-id map when given. */
  readonly writeMaps?: (pid: number) => void;
}

/** Run `trial`; undefined when all its calls went through, otherwise the first one that failed. */
export function tryInUserNamespace({ flags, build, writeMaps = writeSingleIdMap }: Trial): SyscallError | undefined {
  const [goRead, goWrite] = pipe();
  const [failureRead, failureWrite] = pipe();
  const program = trialProgram(build, { goRead, goWrite, failureWrite });
  const loaded = loadProgram(program);
  let pid: number;
  try {
    pid = cloneProgram(loaded, CLONE.NEWUSER | flags);
  } catch (error) {
    for (const fd of [goRead, goWrite, failureRead, failureWrite]) closeSync(fd);
    if (error instanceof SyscallError) return new SyscallError(`clone(${flagNames(flags)})`, error.errno);
    throw error;
  }
  try {
    closeSync(goRead);
    closeSync(failureWrite);
    writeMaps(pid);
    writeSync(goWrite, 'g');
    return readFailure(failureRead, program, loaded.base);
  } finally {
    // Without its byte, the child reads the end of the pipe and leaves
    closeSync(goWrite);
    closeSync(failureRead);
    waitFor(pid);
    unloadProgram(loaded);
  }
}

/** The caller's own ids as 0 (user_namespaces(7): gid_map needs setgroups denied first). */
export function writeSingleIdMap(pid: number): void {
  writeFileSync(`/proc/${pid}/setgroups`, 'deny');
  writeFileSync(`/proc/${pid}/uid_map`, `0 ${process.geteuid?.() ?? 0} 1`);
  writeFileSync(`/proc/${pid}/gid_map`, `0 ${process.getegid?.() ?? 0} 1`);
}

interface TrialPipes {
  readonly goRead: number;
  readonly goWrite: number;
  readonly failureWrite: number;
}

function trialProgram(build: Trial['build'], { goRead, goWrite, failureWrite }: TrialPipes): Program {
  const program = new Program();
  const leave = program.label();
  // Its own copy would keep the pipe open when ctr dies
  program.call('close', [goWrite]);
  program.call('read', [goRead, program.bytes(Buffer.alloc(8)), 1], { onZero: leave });
  build(program);
  program.place(leave);
  program.call('exit_group', [0]);
  program.placeFailed();
  program.call('write', [failureWrite, failurePair, failurePairBytes]);
  program.call('exit_group', [1]);
  return program;
}

function readFailure(fd: number, program: Program, base: number): SyscallError | undefined {
  const pair = Buffer.alloc(failurePairBytes);
  if (readSync(fd, pair) < failurePairBytes) return undefined;
  const errno = Math.abs(Number(pair.readBigInt64LE(0)));
  return new SyscallError(program.stepAt(pair.readBigUInt64LE(8), base)?.call ?? 'unknown call', errno);
}

function flagNames(flags: number): string {
  const names = Object.entries(CLONE).filter(([name, bit]) => name.startsWith('NEW') && (flags & bit) !== 0);
  return ['NEWUSER', ...names.map(([name]) => name)].join('|');
}

/** What failed, as text: `clone(NEWUSER|NEWNS) = EPERM`. */
export function attempt(trial: Trial): string | undefined {
  try {
    return tryInUserNamespace(trial)?.message;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
