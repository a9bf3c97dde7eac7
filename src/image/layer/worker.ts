/**
 * The second Node: it runs inside the user namespace, with the store's data root as its working directory, and unpacks
 * layers as it is told line by line (unpack-protocol.ts). Before it looks at the first archive it makes the data root
 * its root directory: even if LayerTree were wrong, there is nothing outside to write to.
 */
import { randomBytes } from 'node:crypto';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { changeRoot } from '../../linux/files.ts';
import { parseJson } from '../../oci/check.ts';
import { sha256Of } from '../../oci/digest.ts';
import { UnpackJob } from './unpack-job.ts';
import { type BeginRequest, describeError, linesOf, type WorkerAnswer, workerRequest } from './unpack-protocol.ts';

export interface WorkerOutput {
  write(line: string): unknown;
}

/** Resolves when `input` has ended and every layer was answered. */
export async function runUnpackWorker(input: AsyncIterable<Buffer | string>, output: WorkerOutput): Promise<void> {
  const jobs = new Map<number, UnpackJob>();
  const answers = new Set<Promise<void>>();
  process.umask(0);
  enterRoot();
  try {
    for await (const line of linesOf(input)) {
      const request = parseJson(line, 'request', workerRequest);
      const job = jobs.get(request.id);
      if (request.op === 'begin') {
        const begun = new UnpackJob(request);
        jobs.set(request.id, begun);
        const answer = answerFor(request, begun).then((text) => {
          jobs.delete(request.id);
          output.write(`${JSON.stringify(text)}\n`);
        });
        answers.add(answer);
        void answer.finally(() => answers.delete(answer));
      } else if (request.op === 'grown') job?.grown(request.bytes);
      else if (request.op === 'finished') job?.finished(request.bytes, request.diffId);
      else job?.aborted();
    }
  } finally {
    // Whoever gave the orders is gone, or speaks nonsense: nobody will publish what is not done.
    for (const job of jobs.values()) job.aborted();
  }
  await Promise.all(answers);
}

async function answerFor({ id }: BeginRequest, job: UnpackJob): Promise<WorkerAnswer> {
  try {
    const { bytes, sizeBytes, entries, skippedDevices, warnings } = await job.run();
    return { id, ok: true, bytes, sizeBytes, entries, skippedDevices, warnings };
  } catch (error) {
    return { id, ok: false, error: describeError(error) };
  }
}

/** After this no file outside the data root can be opened, so what is loaded on first use is used once before. */
function enterRoot(): void {
  sha256Of(randomBytes(1));
  createGunzip().destroy();
  createZstdDecompress().destroy();
  changeRoot('.');
}
