/**
 * The only place that prints errors: `ctr: what failed`, its causes indented, a hint; stack traces with --debug only.
 * Returns the exit code: the error's own, else 125 (podman-run(1) "Exit Status").
 */
import { getSystemErrorMessage } from 'node:util';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Output } from './context.ts';

export interface ErrorReport {
  readonly text: string;
  readonly exitCode: number;
}

export function reportError(error: unknown, choice: { stderr: Output; programName: string; debug: boolean }): number {
  const report = describeError(error, choice.programName, choice.debug);
  try {
    choice.stderr.write(report.text);
  } catch {
    // stderr is gone as well: the exit code is all that can be told.
  }
  return report.exitCode;
}

/** The text and exit code of an error; pure. */
export function describeError(error: unknown, programName: string, debug: boolean): ErrorReport {
  const exitCode = error instanceof CtrError ? error.exitCode : 125;
  if (isOwnBrokenPipe(error)) return { text: '', exitCode: 0 };
  const chain = causesOf(error);
  const lines = chain.map(lineFor).filter((line, index, all) => index === 0 || !all[index - 1]?.includes(line));
  const hint = hintFor(chain);
  const trace = debug && error instanceof Error ? [error.stack ?? ''] : [];
  const text = [
    `${programName}: ${lines[0] ?? ''}`,
    ...lines.slice(1).map((line) => `  ${line}`),
    ...(hint ? [`  hint: ${hint}`] : []),
    ...trace,
    '',
  ].join('\n');
  return { text, exitCode };
}

/** The reader of our output went away (`ctr images | head -1`): that is how pipelines end, not a failure. */
function isOwnBrokenPipe(error: unknown): boolean {
  return error instanceof Error && errnoOf(error) === 'EPIPE' && 'syscall' in error && error.syscall === 'write';
}

function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (
    let at: unknown = error;
    at !== undefined && !chain.includes(at);
    at = at instanceof Error ? at.cause : undefined
  ) {
    chain.push(at);
    if (at instanceof AggregateError) chain.push(...at.errors);
  }
  return chain;
}

function lineFor(error: unknown): string {
  if (!(error instanceof Error)) return escapeControl(String(error));
  if (error.name === 'SyscallError' && 'errno' in error && typeof error.errno === 'number') {
    return escapeControl(`${error.message} (${getSystemErrorMessage(-error.errno)})`);
  }
  if (error instanceof CtrError || errnoOf(error) !== undefined) return escapeControl(error.message);
  const unexpected = error.name === 'Error' ? '' : `${error.name}: `;
  return escapeControl(`${unexpected}${error.message}`);
}

function hintFor(chain: readonly unknown[]): string | undefined {
  const own = chain.find((error) => error instanceof CtrError && error.hint !== undefined);
  if (own instanceof CtrError) return own.hint;
  const errnos = chain.map(errnoOf);
  if (errnos.includes('ENOSPC')) {
    return 'the disk or its inodes are full (or a limit on inotify watches): see `df -h` and `df -i`; `ctr system prune` frees space';
  }
  if (errnos.includes('EDQUOT')) return 'your disk quota is used up: see `quota`; `ctr system prune` frees space';
  if (errnos.includes('EROFS')) return 'the file system is read-only: choose another place with --root and --runroot';
  return undefined;
}

/** Messages quote names from images and registries: nothing in them may drive the terminal. */
function escapeControl(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (char) =>
    char === '\t' ? ' ' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
