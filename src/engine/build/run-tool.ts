/** A program of the host's that the build needs: in a session of its own, so that nothing it starts asks on the terminal. */
import { spawn } from 'node:child_process';

export interface ToolRun {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: Uint8Array;
  readonly signal?: AbortSignal;
}

/** Throws where it cannot be started, or is aborted; else says how it ended. */
export async function runTool(program: string, args: readonly string[], { input, ...options }: ToolRun) {
  const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  // Who does not read its input may end before it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString().trim() };
}
