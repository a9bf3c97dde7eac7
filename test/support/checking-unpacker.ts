/**
 * An unpacker for tests of pulls: keeps the promises of layer-unpacker.ts with node:zlib and no tar, and is strict
 * about those of its caller: what was announced by `grown` must be in the file, and `finished` be all of it.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { Host } from '../../src/base/host.ts';
import type { LayerArchive, LayerInProgress, LayerUnpacker } from '../../src/image/layer-unpacker.ts';
import { sha256Of } from '../../src/oci/digest.ts';
import { stageLayer } from '../../src/storage/layer-store.ts';

export interface CheckingUnpacker {
  readonly factory: () => Promise<LayerUnpacker>;
  /** What happened: `begin`, `done`, `aborted`, `close`. */
  readonly events: readonly string[];
  /** Broken promises of the caller. */
  readonly complaints: readonly string[];
}

export function checkingUnpacker(host: Host, startMs = 0): CheckingUnpacker {
  const events: string[] = [];
  const complaints: string[] = [];
  const sizeOf = (layer: LayerArchive) => statSync(`${host.dataRoot}/${layer.archivePath}`).size;
  const begin = (layer: LayerArchive): LayerInProgress => {
    events.push('begin');
    let announced = 0;
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    done.catch(() => undefined);
    return {
      done,
      grown(bytes) {
        if (bytes < announced) complaints.push(`grown shrank from ${announced} to ${bytes}`);
        if (bytes > sizeOf(layer)) complaints.push(`grown(${bytes}), but the file has ${sizeOf(layer)}`);
        announced = bytes;
      },
      finished(bytes) {
        if (bytes !== sizeOf(layer)) complaints.push(`finished(${bytes}), but the file has ${sizeOf(layer)}`);
        publish(host, layer).then(() => {
          events.push('done');
          resolve();
        }, reject);
      },
      aborted() {
        events.push('aborted');
        reject(new Error('aborted'));
      },
    };
  };
  const factory = async () => {
    await new Promise((resolve) => setTimeout(resolve, startMs));
    return { begin, close: async () => void events.push('close') };
  };
  return { factory, events, complaints };
}

async function publish(host: Host, layer: LayerArchive): Promise<void> {
  const packed = readFileSync(`${host.dataRoot}/${layer.archivePath}`);
  const unpack = { gzip: gunzipSync, zstd: zstdDecompressSync, none: (bytes: Buffer) => bytes }[layer.compression];
  const archive = unpack(packed);
  if (layer.diffId === undefined || sha256Of(archive) !== layer.diffId)
    throw new Error(`the archive is not ${layer.diffId}`);
  using staging = stageLayer(host, { diffId: layer.diffId, kind: 's' });
  writeFileSync(`${staging.diffDir}/archive.tar`, archive);
  await staging.publish(archive.length);
}
