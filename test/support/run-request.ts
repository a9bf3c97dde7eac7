import { readInvocation } from '../../src/cli/command.ts';
import { addRunFlags, parseRunRequest, type RunOptions } from '../../src/cli/run-flags.ts';
import type { RunRequest } from '../../src/engine/run-request.ts';

/** The request that `ctr run …words` makes, by the same way as the program: argv, commander, flag groups. */
export function runRequestOf(words: readonly string[], env: Readonly<Record<string, string>> = {}): RunRequest {
  const spec = {
    usage: '',
    examples: [],
    operands: [1, Number.POSITIVE_INFINITY] as const,
    passThrough: true,
    declare: addRunFlags,
    run: () => 0,
  };
  const invocation = readInvocation(spec, words);
  return parseRunRequest(invocation.flags() as RunOptions, invocation.operands, { env, cwd: '/caller' });
}
