/**
 * CTR_ERROR_FD=N: a descriptor on which the program that started ctr is told of ctr's own failure, as one JSON object {code,
 * message, hint}. Standard error may be the container's too, and an exit code of 125 as well.
 */
import { writeSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { setCloseOnExec } from '../linux/descriptors.ts';
import { describeError } from './report-error.ts';

/** The descriptor that `env` names; no process that ctr starts gets either. Throws a USAGE error when it is not open. */
export function takeErrorChannel(env: NodeJS.ProcessEnv): number {
  const { CTR_ERROR_FD: text = '' } = env;
  delete env.CTR_ERROR_FD;
  const fd = /^\d{1,4}$/.test(text) ? Number(text) : -1;
  try {
    setCloseOnExec(fd);
  } catch (cause) {
    throw new CtrError('USAGE', `CTR_ERROR_FD=${text}: no such open file`, { cause });
  }
  return fd;
}

export function tellError(fd: number, error: unknown): void {
  const { text } = describeError(error, '', false);
  if (text === '') return;
  const [code, hint] = error instanceof CtrError ? [error.code, error.hint] : (['INTERNAL', undefined] as const);
  const message = text.slice(': '.length).replace(/\n {2}hint: .*\n$/, '');
  writeSync(fd, JSON.stringify({ code, message: message.trimEnd(), hint }));
}
