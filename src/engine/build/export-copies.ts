/** `--output type=oci|docker` and `--push`: copies of the image that the store has now. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ImageLocation } from '../../image/transport/image-location.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { canonicalName, parseReference } from '../../oci/reference.ts';
import { sendStored } from '../push.ts';
import { annotationsAt } from './annotations.ts';
import type { BuildRequest } from './build-request.ts';
import type { Build } from './build-state.ts';
import type { BuiltImage } from './export-image.ts';

/** Returns what a registry has now; undefined when nothing was pushed. */
export async function exportCopies(build: Build, built: BuiltImage, write: (bytes: Uint8Array) => void) {
  const { host, request, scratch, signal } = build;
  const { names } = request;
  const send = (location: ImageLocation, target: Descriptor) => {
    const stored = { id: built.image.id, name: names[0] ?? built.image.id, names: names.slice(0, 1), target };
    return sendStored(host, stored, location, { ...request, all: true }, { signal });
  };
  for (const output of request.outputs) {
    if (output.type !== 'oci' && output.type !== 'docker') continue;
    const path = output.dest === undefined ? scratch.file() : resolve(request.cwd, output.dest);
    if (output.type === 'oci') {
      await send({ transport: 'oci-archive', path, name: undefined }, annotated(request, built));
    } else {
      // The archive has one image; what is said about it has no place there.
      const name = names[0] && canonicalName(parseReference(names[0], 'localhost'));
      await send({ transport: 'docker-archive', path, name }, built.members[0]?.manifest ?? built.target);
    }
    if (output.dest === undefined) write(readFileSync(path));
  }
  let pushed: Descriptor | undefined;
  for (const name of request.push ? names : [])
    pushed = (await send({ transport: 'docker', name }, built.target)).manifest;
  return pushed;
}

/** In a layout the entry of index.json can say something of its own. */
function annotated(request: BuildRequest, { target, members }: BuiltImage): Descriptor {
  const isIndex = members.every(({ manifest }) => manifest.digest !== target.digest);
  const annotations = annotationsAt(request, isIndex ? 'index-descriptor' : 'manifest-descriptor');
  return { ...target, ...(annotations ? { annotations } : {}) };
}
