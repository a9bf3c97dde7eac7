/** Images made of a Dockerfile, or of steps as values. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FlagValue, flagsFrom } from './arguments.ts';
import { type InvokeOptions, invokeForText } from './invoke.ts';
import { dockerfileOf, type Step } from './steps.ts';

export interface BuildOptions extends Omit<InvokeOptions, 'input'> {
  /** A directory, archive or git URL; `.` when absent. */
  readonly context?: string;
  /** The path of a Dockerfile; the one in the context when absent. */
  readonly file?: string;
  /** Steps, in place of a Dockerfile. */
  readonly steps?: readonly Step[];
  readonly tag?: readonly string[];
  readonly buildArg?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform?: string;
  /** `id=key,src=./key`. */
  readonly secret?: readonly string[];
  readonly noCache?: boolean;
  readonly network?: string;
  /** Any other flag, in camel case. */
  readonly flags?: Readonly<Record<string, FlagValue>>;
}

/** Returns the image's ID. Rejects with a CtrError that says which step failed. */
export async function build(options: BuildOptions = {}): Promise<string> {
  const { context = '.', steps, flags = {}, signal, onOutput, cwd, environment, ...own } = options;
  const input = steps && dockerfileOf(steps);
  const invoking = { input, signal, onOutput, cwd, environment };
  const directory = await mkdtemp(join(tmpdir(), 'ctr-build-'));
  try {
    const iidfile = join(directory, 'iid');
    const words = flagsFrom({ ...own, ...(steps ? { file: '-' } : {}), iidfile, ...flags });
    const given = Object.fromEntries(Object.entries(invoking).filter(([, value]) => value !== undefined));
    await invokeForText(['build', ...words, context], given);
    return (await readFile(iidfile, 'utf8')).trim();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
