/** `ctr pull` and the pull that `ctr run` may need: the network and the unpacker are loaded only when they are used. */
import type { Host } from '../base/host.ts';
import type { PullProgress } from '../image/fetch-layers.ts';
import type { PulledImage, PullRequest } from '../image/pull.ts';
import { hexOf } from '../oci/digest.ts';
import { recordEvent } from '../storage/event-log.ts';
import { unpackingFor } from './unpacking.ts';

export interface PullWatch {
  readonly progress?: PullProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The pull is over, well or not. */
  close?(): void;
}

/** Called only if something has to be fetched: what shows it is loaded then. */
export type WatchPull = () => Promise<PullWatch>;

/** Returns when image and layers are stored, as the policy of the request says. */
export async function pull(host: Host, request: PullRequest, watch: PullWatch = {}): Promise<PulledImage> {
  const { pullImage } = await import('../image/pull.ts');
  const pulled = await pullImage(request, { host, ...(await unpackingFor(host)), ...watch });
  if (pulled.outcome === 'pulled') await (await import('./size-policy.ts')).keepToMaxSize(host, [pulled.image.id]);
  const id = hexOf(pulled.image.id);
  recordEvent(host, { type: 'image', status: 'pull', id, name: request.name, attributes: {} });
  return pulled;
}

/** Every tag of a repository. */
export async function pullAll(
  host: Host,
  request: Omit<PullRequest, 'policy'>,
  watch: PullWatch = {},
): Promise<PulledImage[]> {
  const { pullAllTags } = await import('../image/pull.ts');
  const pulled = await pullAllTags(request, { host, ...(await unpackingFor(host)), ...watch });
  const fresh = pulled.map(({ image }) => image.id);
  await (await import('./size-policy.ts')).keepToMaxSize(host, fresh);
  return pulled;
}
