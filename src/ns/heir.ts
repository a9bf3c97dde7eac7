/**
 * A process that owns ctr's memory together with ctr, and outlives it. The kernel needs 2 to 4 ms to free the memory of
 * Node; with an heir it is freed after ctr's caller has gone on. docs/adr/0002-bundle-and-start-up.md
 */
import { loadProgram, spawnProgram } from '../linux/clone.ts';
import { AT_FDCWD, O } from '../linux/constants.ts';
import { pipe } from '../linux/descriptors.ts';
import { type Label, Program } from '../linux/program.ts';
import { keepOnly } from './compile-descriptors.ts';

let hasHeir = false;

/**
 * Begin a process that waits for the end of ctr, whatever ends it, and then does what `compile` appends, with no
 * descriptor but /dev/null for stdio and those of `keep` (3 or above). It must end in execve or exit.
 */
export function beginHeir(keep: readonly number[], compile: (program: Program, failed: Label) => void): void {
  const program = new Program();
  const [devNull, failed] = [program.variable(), program.label()];
  const [endOfCtr, held] = pipe();
  program.call('setsid', [], { onError: failed });
  program.call('openat', [AT_FDCWD, program.text('/dev/null'), O.RDWR, 0], { into: devNull, onError: failed });
  // Whoever reads ctr's output must not wait for this process to close it, nor a lock for its copy of the descriptor.
  for (const fd of [0, 1, 2]) program.call('dup3', [devNull, fd, 0], { onError: failed });
  keepOnly(program, [endOfCtr, ...keep]);
  program.call('read', [endOfCtr, program.words([0]), 1], { onError: failed });
  compile(program, failed);
  program.place(failed);
  program.placeFailed();
  program.call('exit_group', [1]);
  spawnProgram(loadProgram(program));
  hasHeir = true;
  void held; // Open until ctr ends: its end is what the heir waits for.
}

/** For a command that leaves a process behind anyway: one that only frees the memory, unless there is an heir already. */
export function leaveMemory(): void {
  if (hasHeir) return;
  try {
    beginHeir([], (program) => program.call('exit_group', [0]));
  } catch {
    // No descriptor or process is left: ctr frees its memory itself.
  }
}
