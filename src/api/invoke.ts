/**
 * A command of ctr as a process. The API is the command line with types: both can do the same, and a container that
 * a program starts is its own process' child, as one that a shell starts.
 */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { CtrError, type ErrorCode } from '../base/ctr-error.ts';

export interface InvokeOptions {
  /** Standard input of the command; empty when absent. */
  readonly input?: string | Uint8Array;
  /** Ends it with SIGTERM, which ctr passes on to a container in the foreground. */
  readonly signal?: AbortSignal;
  /** Called with output as it comes; it is collected all the same. */
  readonly onOutput?: (text: string, stream: 'stdout' | 'stderr') => void;
  readonly cwd?: string;
  /** Variables for ctr itself, besides this process' own: CTR_DATA_ROOT, XDG_RUNTIME_DIR, … */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Outcome {
  /** The command's own exit code, 128+n after signal n. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const launcher = fileURLToPath(new URL('../bin/ctr', import.meta.url));
/** ctr tells its own failures here, where no container can write. */
const errorFd = 3;

/** Run `ctr ARGS`. Rejects with a CtrError when ctr itself fails; a container's exit code is an outcome. */
export async function invoke(args: readonly string[], options: InvokeOptions = {}): Promise<Outcome> {
  const { input = '', signal, onOutput, cwd, environment } = options;
  const child = execa(launcher, args, {
    input,
    reject: false,
    stripFinalNewline: false,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...environment, CTR_ERROR_FD: String(errorFd) },
    ...(signal ? { cancelSignal: signal } : {}),
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdout.on('data', (chunk) => onOutput?.(String(chunk), 'stdout'));
  child.stderr.on('data', (chunk) => onOutput?.(String(chunk), 'stderr'));
  const ended = await child;
  signal?.throwIfAborted();
  const told = ended.stdio[errorFd];
  if (told) throw errorFrom(told, ended.exitCode);
  if (ended.exitCode === undefined) throw new CtrError('INTERNAL', 'ctr was killed', { cause: ended });
  return { exitCode: ended.exitCode, stdout: ended.stdout, stderr: ended.stderr };
}

/** As invoke, for commands whose exit code says whether they worked; returns what was printed, without the last newline. */
export async function invokeForText(args: readonly string[], options: InvokeOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await invoke(args, options);
  if (exitCode === 0) return stdout.trimEnd();
  throw new CtrError('STATE', `ctr ${args[0] ?? ''} ended with ${exitCode}: ${stderr.trim()}`, { exitCode });
}

function errorFrom(told: string, exitCode = 125): CtrError {
  const { code, message, hint } = JSON.parse(told) as { code: ErrorCode; message: string; hint?: string };
  return new CtrError(code, message, { exitCode, hint });
}
