/** A git reference by the git program (Dockerfile reference, "Adding files from a Git repository"). */
import { rmSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import type { GitReference } from '../../build/instruction.ts';
import { fromText, toPath } from '../../image/layer/byte-string.ts';
import { resolveIn } from './layer-stack.ts';
import { runTool } from './run-tool.ts';

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
  await run('remote', 'add', '--', 'origin', remote);
  await fetchReference(ref ?? commit ?? 'HEAD', run);
  await run('-c', 'advice.detachedHead=false', 'checkout', '-q', 'FETCH_HEAD');
  const actual = (await run('rev-parse', 'HEAD')).trim();
  if (commit !== undefined && !actual.startsWith(commit)) {
    throw new CtrError('VERIFY', `${git.written}: the reference is commit ${actual}, not ${commit}`);
  }
  if (submodules !== false) await run('submodule', 'update', '-q', '--init', '--recursive', '--depth=1');
  if (!keepGitDir) rmSync(`${directory}/.git`, { recursive: true, force: true });
  if (subdirectory === undefined) return directory;
  // Both the name and the symlinks of the repository are somebody else's.
  const found = resolveIn([fromText(directory)], fromText(subdirectory), { what: git.written, confined: true });
  if (found && found.merged.length > 0) return toPath(found.path).toString();
  throw new CtrError('NOT_FOUND', `${git.written}: the repository has no directory ${subdirectory}`);
}

/** A server may refuse to give a commit by its number: then everything is fetched. */
async function fetchReference(ref: string, run: (...args: string[]) => Promise<string>): Promise<void> {
  try {
    // `--`: a reference must not be taken for an option (--upload-pack names a program).
    await run('fetch', '-q', '--depth=1', '--no-tags', '--', 'origin', ref);
  } catch (error) {
    if (!/^[0-9a-f]{7,64}$/.test(ref)) throw error;
    await run('fetch', '-q', '--tags', 'origin');
    await run('update-ref', '--no-deref', 'FETCH_HEAD', ref);
  }
}

async function runGit(cwd: string, args: readonly string[], { program, env, signal }: GitTools): Promise<string> {
  const quiet = { ...env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', SSH_ASKPASS_REQUIRE: 'never' };
  const { code, stdout, stderr } = await runTool(program, args, { cwd, env: quiet, signal }).catch((cause) => {
    signal.throwIfAborted();
    throw cause;
  });
  if (code === 0) return stdout;
  const verb = args.find((word) => !word.startsWith('-')) ?? '';
  throw new CtrError('STATE', `git ${verb} failed: ${stderr}`, hintFor(stderr));
}

function hintFor(stderr: string): { hint?: string } {
  if (/Host key verification failed/.test(stderr)) {
    return { hint: 'connect once by ssh, or put the host into ~/.ssh/known_hosts: a build asks nothing' };
  }
  if (/Permission denied \(publickey/.test(stderr))
    return { hint: '--ssh default passes your agent, --ssh default=FILE a key' };
  return {};
}
