/** Who unpacks layers, and how their owners are kept: a second Node inside the user namespace, started when needed. */
import { closeSync, createReadStream, createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { ownProgram } from '../base/entry.ts';
import type { Host } from '../base/host.ts';
import { createLayerUnpacker } from '../image/layer/unpack-client.ts';
import type { LayerUnpacker } from '../image/layer-unpacker.ts';
import { pipe } from '../linux/descriptors.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import { startInside } from '../ns/inside.ts';
import type { Digest } from '../oci/digest.ts';
import { stageUnnamedLayer } from '../storage/layer-store.ts';
import type { OwnerKind } from '../storage/layout.ts';
import { ensureDataRoot } from '../storage/roots.ts';
import { withCaller } from './container-ids.ts';
import { idMapsFor, ownerKindFor, removeTreeInside } from './user-namespace.ts';

export interface Unpacking {
  readonly ownerKind: OwnerKind;
  /** Called once, and only if a layer has to be unpacked. */
  readonly unpacker: () => Promise<LayerUnpacker>;
}

/** For the usual map of this user, or for another one. */
export async function unpackingFor(
  host: Host,
  ids: { readonly maps: IdMaps; readonly ownerKind: OwnerKind } = usualIds(host),
): Promise<Unpacking> {
  return { ownerKind: ids.ownerKind, unpacker: () => startUnpacker(host, withCaller(ids.maps, host), ids.ownerKind) };
}

function usualIds(host: Host) {
  const maps = idMapsFor(host);
  return { maps, ownerKind: ownerKindFor(maps) };
}

async function startUnpacker(host: Host, maps: IdMaps, kind: OwnerKind): Promise<LayerUnpacker> {
  ensureDataRoot(host);
  const [requestsOut, requestsIn] = pipe();
  const [answersOut, answersIn] = pipe();
  const [node = '', ...program] = ownProgram('unpack-worker');
  const args = [node, '--max-semi-space-size=1', '--v8-pool-size=1', ...program];
  const inside = await startInside({
    maps,
    stdio: [requestsOut, answersIn, 2],
    steps: [
      { kind: 'chdir', path: host.dataRoot },
      { kind: 'reset-signals' },
      { kind: 'close-descriptors', preserve: 0 },
      { kind: 'exec', args, env: workerEnvironment(host) },
    ],
  });
  closeSync(requestsOut);
  closeSync(answersIn);
  const unpacker = createLayerUnpacker({
    toWorker: createWriteStream('', { fd: requestsIn }),
    fromWorker: createReadStream('', { fd: answersOut }),
    staging: { create: () => stage(host, kind) },
    kind: kind === 's' ? 'single' : 'mapped',
    warn: (message) => host.log.warn(message),
  });
  return {
    begin: unpacker.begin,
    async close() {
      await unpacker.close();
      inside.wait();
    },
  };
}

function stage(host: Host, kind: OwnerKind) {
  const removeTree = (path: string) => removeTreeInside(host, path);
  const staging = stageUnnamedLayer(host, removeTree);
  return {
    relativePath: dirname(staging.diffDir).slice(host.dataRoot.length + 1),
    publish: async (diffId: Digest, sizeBytes: number) => void (await staging.publish({ diffId, kind }, sizeBytes)),
    discard: async () => {
      const { deleteTree } = await import('../storage/staging.ts');
      await deleteTree(staging.diffDir, removeTree);
      staging[Symbol.dispose]();
    },
  };
}

/** Where its code cache is, and one malloc heap for all threads; nothing else of the caller's environment matters. */
function workerEnvironment(host: Host): string[] {
  const cachePlace = ['HOME', 'XDG_CACHE_HOME'].flatMap((name) =>
    host.env[name] ? [`${name}=${host.env[name]}`] : [],
  );
  return [...cachePlace, 'MALLOC_ARENA_MAX=1'];
}
