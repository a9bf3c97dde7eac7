/** What a stage begins with: an image of the store, pulled if it has to be. */
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { humanSize } from '../../base/units.ts';
import { stagesNamedLike } from '../../build/plan-build.ts';
import type { PullProgress } from '../../image/fetch-layers.ts';
import { findForPlatform } from '../../image/stored-image.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type ImageConfig, parseImageConfig } from '../../oci/image-config.ts';
import { isIndex, parseManifest } from '../../oci/manifest.ts';
import { parseReference, repositoryName, withDefaultTag } from '../../oci/reference.ts';
import { readBlob } from '../../storage/blob-store.ts';
import { findImage, readImage, type StoredImage } from '../../storage/image-store.ts';
import { markImageUsed } from '../../storage/image-use.ts';
import { hasLayer } from '../../storage/layer-store.ts';
import { shortId } from '../images.ts';
import type { Build, StageLayer } from './build-state.ts';
import { watched } from './watched.ts';

export interface LoadedImage {
  readonly image: ImageConfig;
  readonly layers: readonly StageLayer[];
}

export async function loadImage(build: Build, reference: string, platform = build.platform): Promise<LoadedImage> {
  const { host, request, ownerKind } = build;
  const { pull: policy, tlsVerify, authFile, certDir, creds, retry } = request;
  const isUsual = platform === build.plan.options.buildPlatform;
  const stored = policy === 'missing' ? storedFor(build, reference, platform) : undefined;
  const ready = stored?.image.diffIds.every((diffId) => hasLayer(host, { diffId, kind: ownerKind }));
  const record = stored && ready ? stored.image : await pulled();
  markImageUsed(host, record.id);
  const manifest = (stored && ready ? stored.tag?.manifest : undefined) ?? record.manifest;
  build.materials.set(imageUrl(reference, platform), manifest.digest);
  return readLoaded(host, manifest);

  async function pulled() {
    const { pull } = await import('../pull.ts');
    try {
      const options = {
        ...{ name: reference, policy, tlsVerify, authFile, certDir, creds, retry },
        ...(isUsual ? {} : { platform, keepName: true }),
      };
      const { image: found } = await watched(
        build,
        { place: `${build.label}base`, text: `FROM ${reference}` },
        async (info) => {
          const say = (line: string) => build.watch.output(info, 'stderr', Buffer.from(`${line}\n`));
          const done = await pull(host, options, { signal: build.signal, progress: { layer: pullLines(say) } });
          return { ...done, isCached: done.outcome !== 'pulled' };
        },
      );
      return readImage(host, found.id) ?? found;
    } catch (error) {
      const near = stagesNamedLike(build.plan, reference);
      if (!(error instanceof CtrError) || near.length === 0) throw error;
      const hint = `did you mean the stage ${near.join(' or ')}?`;
      throw new CtrError(error.code, error.message, { cause: error.cause, hint });
    }
  }
}

/** github.com/package-url/purl-spec, "docker". */
export function imageUrl(name: string, platform: string): string {
  const reference = withDefaultTag(parseReference(name));
  const version = reference.digest ?? reference.tag ?? 'latest';
  const repository = repositoryName(reference).replace(/^docker\.io\/(?:library\/)?/, '');
  return `pkg:docker/${repository}@${encodeURIComponent(version)}?platform=${encodeURIComponent(platform)}`;
}

/** Of an image whose blobs are in the store. */
export function readLoaded(host: Host, manifest: Descriptor): LoadedImage {
  const parsed = parseManifest(readBlob(host, manifest), manifest.mediaType);
  if (isIndex(parsed)) throw new CtrError('INVALID', `${manifest.digest} is an index`);
  const image = parseImageConfig(readBlob(host, parsed.config));
  const layers = image.rootfs.diff_ids.flatMap((diffId, index): StageLayer[] => {
    const descriptor = parsed.layers[index];
    return descriptor ? [{ diffId, descriptor }] : [];
  });
  return { image, layers };
}

/** Without a choice of platforms an image for another one will do: it may be meant. */
function storedFor({ host, plan, request }: Build, reference: string, platform: string): StoredImage | undefined {
  const found = findForPlatform(host, reference, platform);
  const isMeant = request.platforms.length === 0 && platform === plan.options.buildPlatform;
  return found ?? (isMeant ? findImage(host, reference) : undefined);
}

/** A line for each layer that came. */
function pullLines(say: (line: string) => void): PullProgress['layer'] {
  return (digest, { state, totalBytes }) => {
    if (state === 'done')
      say(`${shortId(digest)}: done${totalBytes === undefined ? '' : ` (${humanSize(totalBytes)})`}`);
  };
}
