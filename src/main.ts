/** Entry point of the bundle: argv in, exit code out; any throw becomes text on stderr. */
import { createOutput } from './cli/context.ts';
import { dispatch, type Streams } from './cli/dispatch.ts';
import { exitAtOnce } from './linux/exit.ts';

const { env } = process;
// What containers and images get must not depend on the caller's mask: with 077 only root could enter a container's `/`.
process.umask(0o022);
const stdout = createOutput(1);
const stderr = createOutput(2);
const streams: Streams = { stdout, stderr };

/** Run ctr with `argv`; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  let channel: number | undefined;
  try {
    if (env.CTR_ERROR_FD) channel = (await import('./cli/error-channel.ts')).takeErrorChannel(env);
    if (argv[0] === 'unpack-worker') return await unpackLayers();
    if (argv[0] === 'storage-worker') return await doStorageJob(argv[1] ?? '');
    if (argv[0] === 'files-worker') return await workOnFiles(argv[1] ?? '');
    if (argv[0] === 'build-worker') return await makeLayers();
    return await dispatch(argv, env, streams);
  } catch (error) {
    if (channel !== undefined) (await import('./cli/error-channel.ts')).tellError(channel, error);
    const { reportError } = await import('./cli/report-error.ts');
    return reportError(error, { stderr, programName: env.CTR_PROGRAM_NAME || 'ctr', debug: streams.debug ?? false });
  }
}

/** This process is the second Node, inside the user namespace (engine/unpacking.ts). */
async function unpackLayers(): Promise<number> {
  const { runUnpackWorker } = await import('./image/layer/worker.ts');
  await runUnpackWorker(process.stdin, process.stdout);
  return 0;
}

/** This process is inside the user namespace, perhaps a container's (engine/storage-job.ts). */
async function doStorageJob(job: string): Promise<number> {
  const { runStorageWorker } = await import('./engine/storage-worker.ts');
  return runStorageWorker(job, stdout);
}

/** This process is in a container's user namespace (engine/container-files.ts). */
async function workOnFiles(job: string): Promise<number> {
  const { runFilesWorker } = await import('./engine/container-files-worker.ts');
  return runFilesWorker(job);
}

/** This process makes the layers of a build (engine/build/build-worker-client.ts). */
async function makeLayers(): Promise<number> {
  const { runBuildWorker } = await import('./engine/build/build-worker.ts');
  await runBuildWorker(process.stdin);
  return 0;
}

void main(process.argv.slice(2)).then(exitAtOnce);
