/** The question before something is deleted. */
import { readSync } from 'node:fs';
import type { Context } from './context.ts';

/** True for `y` and `yes`; anything else, also end of file, is no. */
export function confirm({ stderr }: Context, warning: string): boolean {
  stderr.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = Buffer.alloc(256);
  const bytes = readSync(0, answer);
  return /^y(es)?$/i.test(answer.toString('utf8', 0, bytes).trim());
}
