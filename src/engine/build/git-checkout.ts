/** A git reference by the git program (Dockerfile reference, "Adding files from a Git repository"). */
import { execFile } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { CtrError } from '../../base/ctr-error.ts';
import type { GitReference } from '../../build/instruction.ts';

export interface GitTools {
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Returns the directory that was meant. */
export async function checkOut(git: GitReference, directory: string, tools: GitTools): Promise<string> {
  const { remote, ref, commit, subdirectory, keepGitDir, submodules } = git;
  const run = (...args: string[]) => runGit(directory, args, tools);
  await run('init', '-q');
  await run('remote', 'add', 'origin', remote);
  await fetchReference(ref ?? commit ?? 'HEAD', run);
  await run('-c', 'advice.detachedHead=false', 'checkout', '-q', 'FETCH_HEAD');
  const actual = (await run('rev-parse', 'HEAD')).trim();
  if (commit !== undefined && !actual.startsWith(commit)) {
    throw new CtrError('VERIFY', `${git.written}: the reference is commit ${actual}, not ${commit}`);
  }
  if (submodules !== false) await run('submodule', 'update', '-q', '--init', '--recursive', '--depth=1');
  if (!keepGitDir) rmSync(`${directory}/.git`, { recursive: true, force: true });
  const found = subdirectory === undefined ? directory : `${directory}/${subdirectory}`;
  if (statSync(found, { throwIfNoEntry: false })?.isDirectory()) return found;
  throw new CtrError('NOT_FOUND', `${git.written}: the repository has no directory ${subdirectory}`);
}

/** A server may refuse to give a commit by its number: then everything is fetched. */
async function fetchReference(ref: string, run: (...args: string[]) => Promise<string>): Promise<void> {
  try {
    await run('fetch', '-q', '--depth=1', '--no-tags', 'origin', ref);
  } catch (error) {
    if (!/^[0-9a-f]{7,64}$/.test(ref)) throw error;
    await run('fetch', '-q', '--tags', 'origin');
    await run('update-ref', '--no-deref', 'FETCH_HEAD', ref);
  }
}

async function runGit(cwd: string, args: readonly string[], { program, env, signal }: GitTools): Promise<string> {
  try {
    const quiet = { ...env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' };
    const { stdout } = await promisify(execFile)(program, args, { cwd, env: quiet, signal });
    return stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new CtrError('STATE', `git ${args.find((word) => !word.startsWith('-')) ?? ''} failed: ${text}`, { cause });
  }
}
