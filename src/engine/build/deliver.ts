/** The finished stages become what was asked for: files, the image, copies of it, the cache for others. */
import { writeFileSync } from 'node:fs';
import type { Build, Finished } from './build-state.ts';
import { type BuiltImage, exportImage } from './export-image.ts';

/** Returns the image; undefined when only its files were wanted. */
export async function deliver(
  finished: readonly Finished[],
  write: (bytes: Uint8Array) => void,
): Promise<BuiltImage | undefined> {
  const [first] = finished;
  if (!first) return undefined;
  const { request } = first.build;
  const files = request.outputs.filter(({ type }) => type === 'local' || type === 'tar');
  if (files.length > 0) {
    const { exportFiles } = await import('./export-files.ts');
    for (const output of files) await exportFiles(finished, output, write);
  }
  const isWanted = request.outputs.some(({ type }) => !['local', 'tar', 'cacheonly'].includes(type));
  const isImage = isWanted || request.outputs.length === 0 || request.names.length > 0;
  const built = !isImage ? undefined : await exportImage(await squashed(finished));
  const sent = built && (await copies(first.build, built, write));
  if (request.cacheTo.length > 0) {
    const { exportCaches } = await import('./cache-export.ts');
    await exportCaches(finished);
  }
  if (built) writeResults(first.build, built, sent ?? built.target);
  return built;
}

async function squashed(finished: readonly Finished[]): Promise<readonly Finished[]> {
  if (finished[0]?.build.request.squash === 'no') return finished;
  const { squash } = await import('./squash.ts');
  return Promise.all(finished.map(async ({ build, state }) => ({ build, state: await squash(build, state) })));
}

/** What a registry has now; undefined when nothing was pushed. */
async function copies(build: Build, built: BuiltImage, write: (bytes: Uint8Array) => void) {
  const { outputs, push } = build.request;
  if (!push && outputs.every(({ type }) => type !== 'oci' && type !== 'docker')) return undefined;
  const { exportCopies } = await import('./export-copies.ts');
  return exportCopies(build, built, write);
}

/** As docker-buildx-build(1) --iidfile and --metadata-file; `target` is what a registry calls it, if it was pushed. */
function writeResults({ request }: Build, { image, members }: BuiltImage, target: BuiltImage['target']): void {
  const [only, ...others] = members;
  const id = only && others.length === 0 ? image.id : target.digest;
  if (request.iidFile !== undefined) writeFileSync(request.iidFile, id);
  if (request.metadataFile === undefined) return;
  const metadata = {
    ...(others.length === 0 ? { 'containerimage.config.digest': image.id } : {}),
    'containerimage.descriptor': target,
    'containerimage.digest': target.digest,
    ...(request.names.length > 0 ? { 'image.name': request.names.join(',') } : {}),
  };
  writeFileSync(request.metadataFile, `${JSON.stringify(metadata, null, 2)}\n`);
}
