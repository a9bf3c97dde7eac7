/** Entry point of the bundle: argv in, exit code out; any throw becomes text on stderr. */
import { createOutput } from './cli/context.ts';
import { dispatch } from './cli/dispatch.ts';

const { env } = process;
const stdout = createOutput(1);
const stderr = createOutput(2);

/** Run ctr with `argv`; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    if (argv[0] === 'unpack-worker') return await unpackLayers();
    return await dispatch(argv, env, { stdout, stderr });
  } catch (error) {
    const { reportError } = await import('./cli/report-error.ts');
    const debug = argv.includes('--debug') || argv.includes('-D') || argv.includes('--log-level=debug');
    return reportError(error, { stderr, programName: env.CTR_PROGRAM_NAME || 'ctr', debug });
  }
}

/** This process is the second Node, inside the user namespace (engine/unpacking.ts). */
async function unpackLayers(): Promise<number> {
  const { runUnpackWorker } = await import('./image/layer/worker.ts');
  await runUnpackWorker(process.stdin, process.stdout);
  return 0;
}

void main(process.argv.slice(2)).then((exitCode) => process.exit(exitCode));
