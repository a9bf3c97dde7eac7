/** One layer on its way from a growing archive to a staging directory, its content hashed on the way (image-spec config.md "diff_ids"). */
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import { bytesPassed } from '../../base/passing-bytes.ts';
import { type Digest, hasherFor, sha256Of } from '../../oci/digest.ts';
import type { OwnerMode } from './apply-metadata.ts';
import { decompress } from './decompress.ts';
import { TarReader } from './tar-reader.ts';
import { LayerWriter, type UnpackSummary } from './unpack.ts';

export interface UnpackOrder {
  readonly archive: string;
  /** A staging directory: `diff/` in it is made unless it is there and empty; `owners` when single-id mode has any. */
  readonly target: string;
  /** Absent: told by `finished`. */
  readonly diffId?: Digest;
  readonly owners: OwnerMode;
}

const readBytes = 64 * 1024;

export class UnpackJob {
  readonly #order: UnpackOrder;
  #available = 0;
  #isComplete = false;
  #diffId: Digest | undefined;
  #isAborted = false;
  #wake: () => void = () => {};

  constructor(order: UnpackOrder) {
    this.#order = order;
    this.#diffId = order.diffId;
  }

  /** The archive's first `bytes` bytes are there. */
  grown(bytes: number): void {
    this.#available = Math.max(this.#available, bytes);
    this.#wake();
  }

  /** The archive is whole, `bytes` long. */
  finished(bytes: number, diffId?: Digest): void {
    this.#diffId ??= diffId;
    this.#isComplete = true;
    this.grown(bytes);
  }

  aborted(): void {
    this.#isAborted = true;
    this.#wake();
  }

  /** Resolves when the layer is written and its content matched the diffId. */
  async run(): Promise<UnpackSummary> {
    const { target, owners } = this.#order;
    mkdirSync(`${target}/diff`, { recursive: true, mode: 0o755 });
    const hasher = hasherFor(this.#diffId ?? sha256Of(''));
    const writer = new LayerWriter(`${target}/diff`, owners);
    const reader = new TarReader(writer);
    try {
      for await (const bytes of decompress(this.#archive())) {
        hasher.update(bytes);
        reader.push(bytes);
        bytesPassed(bytes.length);
      }
      const ending = reader.finish();
      verify(hasher.digest(), this.#diffId, ending);
    } finally {
      writer.abandon();
    }
    const summary = writer.finish();
    if (summary.owners !== '') writeFileSync(`${target}/owners`, summary.owners);
    return summary;
  }

  async *#archive(): AsyncGenerator<Buffer> {
    const fd = openSync(this.#order.archive, 'r');
    try {
      for (let at = 0; ; ) {
        while (at >= this.#available && !this.#isComplete && !this.#isAborted) await this.#news();
        if (this.#isAborted) throw new CtrError('STATE', 'the download of the layer was given up');
        if (at >= this.#available) return;
        const bytes = Buffer.allocUnsafe(Math.min(readBytes, this.#available - at));
        const length = readSync(fd, bytes, 0, bytes.length, at);
        if (length === 0) throw new CtrError('INVALID', 'the layer archive is shorter than it was said to be');
        at += length;
        yield bytes.subarray(0, length);
        // Other layers and messages get their turn also when nothing has to be waited for.
        await new Promise(setImmediate);
      }
    } finally {
      closeSync(fd);
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A missing end marker is forgiven (Go's archive/tar does) because the digest proves that nothing is missing. */
function verify(actual: Digest, expected: Digest | undefined, ending: 'marked' | 'unmarked'): void {
  if (actual === expected) return;
  if (ending === 'unmarked') {
    throw new CtrError('INVALID', 'the layer is truncated: its tar archive has no end marker');
  }
  throw new CtrError('VERIFY', `the layer's content is ${actual}, but its image says ${expected}`, {
    hint: 'the image is damaged or was tampered with: pull it again, or tell its maker',
  });
}
