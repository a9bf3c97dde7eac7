/** Every regular file of stacked layers with its checksums. Runs in the user namespace, where all of them can be read. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { type ByteString, fromText, toPath } from '../../image/layer/byte-string.ts';
import { entriesIn, type Merged } from './layer-stack.ts';
import type { ImageFile } from './spdx.ts';

const piece = Buffer.alloc(1024 * 1024);

export function listFiles(layers: readonly string[]): ImageFile[] {
  const files: ImageFile[] = [];
  const visit = (directory: Merged, path: ByteString) => {
    for (const { name, stat, merged, path: place } of entriesIn(directory)) {
      const own = `${path}/${name}`;
      if (merged.length > 0) visit(merged, own);
      else if (stat.isFile()) files.push(describe(place, own));
    }
  };
  visit(layers.map(fromText), '');
  return files;
}

/** By pieces: a file may be larger than the memory. */
function describe(place: ByteString, name: ByteString): ImageFile {
  const [sha1, sha256] = [createHash('sha1'), createHash('sha256')];
  const fd = openSync(toPath(place), 'r');
  try {
    for (let length = readSync(fd, piece); length > 0; length = readSync(fd, piece)) {
      for (const hash of [sha1, sha256]) hash.update(piece.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
  return { path: toPath(name).toString('utf8'), sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
}
