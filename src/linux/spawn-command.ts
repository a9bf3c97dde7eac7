/**
 * Start a program and wait for its end without node:child_process, whose loading alone takes 4 ms: for the small helpers
 * of a container's start. fork(2), execve(2) and wait4(2), nothing more.
 */
import { exitCodeOf, loadProgram, spawnProgram, unloadProgram, waitFor } from './clone.ts';
import { AT_FDCWD, CLOSE_RANGE_CLOEXEC, O } from './constants.ts';
import { Program } from './program.ts';

const sigpipe = 13;

/** The exit code when execve(2) fails. */
export const cannotExecute = 126;

export interface HelperCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** A descriptor that becomes its stdout and stderr; /dev/null when absent. */
  readonly output?: number;
  /** SIGALRM after this time, for the program itself but not for what it leaves in the background. alarm(2) */
  readonly timeoutMs?: number;
}

/** Start it with an empty environment; the returned function blocks until it ends and returns its exit code (128+n). */
export function spawnCommand({ file, args, output, timeoutMs }: HelperCommand): () => number {
  const program = new Program();
  const devNull = program.variable();
  program.call('openat', [AT_FDCWD, program.text('/dev/null'), O.RDWR | O.CLOEXEC, 0], { into: devNull });
  program.call('dup3', [devNull, 0, 0]);
  for (const fd of [1, 2]) program.call('dup3', [output ?? devNull, fd, 0]);
  // Node ignores it, execve(2) keeps that, and pasta refuses to start so.
  program.call('rt_sigaction', [sigpipe, program.words([0, 0, 0, 0]), 0, 8]);
  program.call('close_range', [3, 0xffffffff, CLOSE_RANGE_CLOEXEC]);
  if (timeoutMs !== undefined) program.call('setitimer', [0, program.words([0, 0, ...seconds(timeoutMs)]), 0]);
  program.call('execve', [program.text(file), program.strings([file, ...args]), program.strings([])]);
  program.placeFailed();
  program.call('exit_group', [cannotExecute]);
  const loaded = loadProgram(program);
  const child = spawnProgram(loaded);
  return () => {
    const code = exitCodeOf(waitFor(child));
    unloadProgram(loaded);
    return code;
  };
}

/** struct timeval. */
const seconds = (ms: number) => [Math.floor(ms / 1000), (ms % 1000) * 1000];
