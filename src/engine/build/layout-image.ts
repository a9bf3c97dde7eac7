/** `--build-context NAME=oci-layout://…`: an image out of a layout, whose blobs the store takes; it gets no name there. */
import { CtrError } from '../../base/ctr-error.ts';
import { describeStored } from '../../image/stored-image.ts';
import { parsePlatform } from '../../oci/platform.ts';
import { unpackingFor } from '../unpacking.ts';
import { type LoadedImage, readLoaded } from './base-image.ts';
import type { Build } from './build-state.ts';
import type { LayoutPlace } from './contexts.ts';

export async function loadLayoutImage(
  build: Build,
  { path, name }: LayoutPlace,
  platform = build.platform,
): Promise<LoadedImage> {
  const { host, request, signal } = build;
  const { copyInto } = await import('../../image/copy.ts');
  const { openSource } = await import('../../image/open-image.ts');
  const { ensureUnpacked } = await import('../../image/pull.ts');
  const { storeDestination } = await import('../../image/store-destination.ts');
  const source = await openSource({ transport: 'oci', path, name }, { host, options: request, signal });
  try {
    const choice = { platform: parsePlatform(platform) };
    const manifest = await copyInto(source, storeDestination(host), choice, { host, signal });
    const image = describeStored(host, manifest);
    if (!(await ensureUnpacked(image, { host, signal, ...(await unpackingFor(host)) }))) {
      throw new CtrError('INTERNAL', `${path}: a blob of ${image.id} is missing`);
    }
    return readLoaded(host, manifest);
  } finally {
    source.close();
  }
}
