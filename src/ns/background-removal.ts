/**
 * Delete trees without waiting: rm(1), inside the user namespace of the container that left
 * them. Each rmdir(2) takes a millisecond or two on a journaling file system; `run --rm` need not stay for that.
 */
import { loadProgram, spawnProgram } from '../linux/clone.ts';
import { AT_FDCWD, CLONE, O } from '../linux/constants.ts';
import { Program } from '../linux/program.ts';

/** `userNamespace` is a descriptor of it, opened while a process of it lived. What fails is left to be collected later. */
export function removeInBackground(rm: string, paths: readonly string[], userNamespace: number): void {
  const program = new Program();
  const [devNull, failed] = [program.variable(), program.label()];
  program.call('setsid', [], { onError: failed });
  program.call('openat', [AT_FDCWD, program.text('/dev/null'), O.RDWR, 0], { into: devNull, onError: failed });
  // Whoever reads ctr's output must not wait for this process to close it.
  for (const fd of [0, 1, 2]) program.call('dup3', [devNull, fd, 0], { onError: failed });
  program.call('setns', [userNamespace, CLONE.NEWUSER], { onError: failed });
  program.call('setresgid', [0, 0, 0], { onError: failed });
  program.call('setresuid', [0, 0, 0], { onError: failed });
  const args = [rm, '-rf', '--one-file-system', '--', ...paths];
  program.call('execve', [program.text(rm), program.strings(args), program.strings([])], { onError: failed });
  program.place(failed);
  program.placeFailed();
  program.call('exit_group', [1]);
  spawnProgram(loadProgram(program));
}
