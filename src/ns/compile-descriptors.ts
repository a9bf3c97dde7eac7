/** What a child keeps of the descriptors that it inherited. */
import type { Program } from '../linux/program.ts';

/** Close everything from 3 up that is not in `keep`. close_range(2) */
export function keepOnly(program: Program, keep: readonly number[]): void {
  let first = 3;
  for (const fd of [...new Set(keep)].filter((each) => each > 2).sort((a, b) => a - b)) {
    if (fd > first) program.call('close_range', [first, fd - 1, 0]);
    first = fd + 1;
  }
  program.call('close_range', [first, 0xffffffff, 0]);
}
