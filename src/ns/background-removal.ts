/**
 * Delete trees without waiting: rm(1), inside the user namespace of the container that left
 * them. Each rmdir(2) takes a millisecond or two on a journaling file system; `run --rm` need not stay for that.
 */
import { CLONE } from '../linux/constants.ts';
import { beginHeir } from './heir.ts';

/** `userNamespace` is a descriptor of it, opened while a process of it lived. What fails is left to be collected later. */
export function removeInBackground(rm: string, paths: readonly string[], userNamespace: number): void {
  beginHeir([userNamespace], (program, failed) => {
    program.call('setns', [userNamespace, CLONE.NEWUSER], { onError: failed });
    program.call('setresgid', [0, 0, 0], { onError: failed });
    program.call('setresuid', [0, 0, 0], { onError: failed });
    const args = [rm, '-rf', '--one-file-system', '--', ...paths];
    program.call('execve', [program.text(rm), program.strings(args), program.strings([])], { onError: failed });
  });
}
