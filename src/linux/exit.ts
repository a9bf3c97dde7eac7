/** The end of this process. */
import { hasLibc, libc } from './ffi.ts';

/**
 * End with `exitCode`, as process.exit does, but without taking Node apart first (its threads, its event loop, its
 * heap): 3 ms of every start. The kernel does it all at once. _exit(2)
 */
export function exitAtOnce(exitCode: number): never {
  // A command that made no call so far ends sooner without loading ffi-rs for this one.
  if (!hasLibc()) process.exit(exitCode);
  process.emit('exit', exitCode);
  libc('_exit', 'i32', ['i32', exitCode]);
  throw new Error('_exit returned');
}
