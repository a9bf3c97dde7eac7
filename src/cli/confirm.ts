/** Ask before something is deleted; whoever gives --force is not asked. */
import { readSync } from 'node:fs';
import type { Context } from './context.ts';

/** True only for a y; the end of standard input is a no. */
export function confirm({ stdout }: Context, warning: string): boolean {
  stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = Buffer.alloc(256);
  let length = 0;
  for (let count = -1; count !== 0 && length < answer.length && !answer.includes('\n'); length += count) {
    count = readSync(0, answer, length, answer.length - length, null);
  }
  return /^y(es)?$/i.test(answer.toString('utf8', 0, length).trim());
}
