/** The caller's end of the unpack worker: keeps LayerUnpacker's promises over two pipes. It starts no process itself. */
import { CtrError } from '../../base/ctr-error.ts';
import { parseJson } from '../../oci/check.ts';
import type { Digest } from '../../oci/digest.ts';
import type { LayerArchive, LayerInProgress, LayerUnpacker } from '../layer-unpacker.ts';
import type { OwnerMode } from './apply-metadata.ts';
import { linesOf, restoreError, type UnpackedAnswer, type WorkerRequest, workerAnswer } from './unpack-protocol.ts';

export interface StagedLayer {
  /** The staging directory, relative to the data root: gets `diff/`, and `owners` in single-id mode. */
  readonly relativePath: string;
  /** Make it visible as this layer; `sizeBytes` is the space it takes. */
  publish(diffId: Digest, sizeBytes: number): unknown;
  discard(): unknown;
}

export interface UnpackerOptions {
  readonly toWorker: { write(line: string): unknown; end(): unknown };
  /** Ends when the worker does. */
  readonly fromWorker: AsyncIterable<Buffer | string>;
  readonly staging: { create(): StagedLayer };
  readonly kind: OwnerMode;
  /** Told once per layer that lost something: devices, attributes. */
  readonly warn?: (message: string) => void;
}

interface Pending {
  resolve(answer: UnpackedAnswer): void;
  reject(error: unknown): void;
}

export function createLayerUnpacker(options: UnpackerOptions): LayerUnpacker {
  const pending = new Map<number, Pending>();
  const tell = (request: WorkerRequest) => void options.toWorker.write(`${JSON.stringify(request)}\n`);
  let lastId = 0;
  let gone: CtrError | undefined;
  const listening = listen(options.fromWorker, pending).then((error) => {
    gone = error;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  });

  const begin = ({ archivePath, compression, diffId }: LayerArchive): LayerInProgress => {
    const id = ++lastId;
    const staged = options.staging.create();
    let known = diffId;
    const answered = new Promise<UnpackedAnswer>((resolve, reject) => {
      if (gone) reject(gone);
      else pending.set(id, { resolve, reject });
    });
    if (!gone) {
      const target = staged.relativePath;
      const named = diffId === undefined ? {} : { diffId };
      tell({ op: 'begin', id, archive: archivePath, compression, target, ...named, owners: options.kind });
    }
    const done = settle(answered, staged, () => known, options.warn);
    // A caller that looks at `done` only later must not bring the process down meanwhile.
    done.catch(() => {});
    return {
      grown: (bytes) => pending.has(id) && tell({ op: 'grown', id, bytes }),
      finished: (bytes, told) => {
        known ??= told;
        if (pending.has(id)) tell({ op: 'finished', id, bytes, ...(told === undefined ? {} : { diffId: told }) });
      },
      aborted: () => pending.has(id) && tell({ op: 'aborted', id }),
      done,
    };
  };

  const close = async () => {
    options.toWorker.end();
    await listening;
  };
  return { begin, close };
}

/** Hand answers to those who wait; resolves with the reason why there will be no more. */
async function listen(fromWorker: AsyncIterable<Buffer | string>, pending: Map<number, Pending>): Promise<CtrError> {
  try {
    for await (const line of linesOf(fromWorker)) {
      const answer = parseJson(line, 'answer of the unpacking process', workerAnswer);
      const waiting = pending.get(answer.id);
      pending.delete(answer.id);
      if (answer.ok) waiting?.resolve(answer);
      else waiting?.reject(restoreError(answer.error));
    }
    return new CtrError('STATE', 'the process that unpacks layers ended before it was done', {
      hint: 'it may have been killed for lack of memory; run the command again: what was downloaded is kept',
    });
  } catch (error) {
    return error instanceof CtrError
      ? error
      : new CtrError('STATE', 'lost the process that unpacks layers', { cause: error });
  }
}

async function settle(
  answered: Promise<UnpackedAnswer>,
  staged: StagedLayer,
  diffIdOf: () => Digest | undefined,
  warn: UnpackerOptions['warn'],
): Promise<void> {
  try {
    const { sizeBytes, skippedDevices, warnings } = await answered;
    for (const warning of warnings) warn?.(warning);
    if (skippedDevices > 0) warn?.(`${skippedDevices} device nodes of a layer are left out: only root may make them`);
    const diffId = diffIdOf();
    if (diffId === undefined) throw new CtrError('INTERNAL', 'a layer was finished without its digest');
    await staged.publish(diffId, sizeBytes);
  } catch (error) {
    await staged.discard();
    throw error;
  }
}
