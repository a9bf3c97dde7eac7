/**
 * Putting a blob into a registry (distribution-spec "Pushing Blobs"): not at all if it is there, by mounting it from
 * a sibling repository, in one request, or in chunks that can be resumed after a broken connection.
 */
import type { Readable } from 'node:stream';
import { CtrError } from '../../base/ctr-error.ts';
import type { Digest } from '../../oci/digest.ts';
import type { HttpResponse } from './http-client.ts';
import type { RegistrySession } from './registry-session.ts';
import { type RetryDeps, type RetryPolicy, withRetries } from './retry.ts';
import { TransportError } from './transport-error.ts';

export interface UploadRequest {
  readonly repository: string;
  readonly digest: Digest;
  readonly size: number;
  /** A new stream over `length` bytes from `offset`; called again for every attempt. */
  readonly read: (offset: number, length: number) => Readable;
  /** Another repository of the same registry that is believed to hold the blob. */
  readonly mountFrom?: string | undefined;
  /** Blobs above this go in pieces; a multiple of what the registry asks for by OCI-Chunk-Min-Length. */
  readonly chunkBytes?: number | undefined;
  readonly retry: RetryPolicy;
  readonly retryDeps?: RetryDeps;
  /** Bytes that the registry has so far. */
  readonly onProgress?: (bytes: number) => void;
}

export type UploadOutcome = 'exists' | 'mounted' | 'uploaded';

const defaultChunkBytes = 64 * 1024 * 1024;

/** Upload one blob; idempotent, and returning means that the registry has it. */
export async function uploadBlob(session: RegistrySession, request: UploadRequest): Promise<UploadOutcome> {
  const blob = `/v2/${request.repository}/blobs/${request.digest}`;
  const known = await session.request({ method: 'HEAD', target: blob, scope: scopeOf(request), accept: [200, 404] });
  await known.discard();
  if (known.status === 200) return 'exists';
  const begun = await begin(session, request);
  if (begun === 'mounted') return 'mounted';
  if (request.size <= (request.chunkBytes ?? defaultChunkBytes)) await uploadWhole(session, request, begun);
  else await uploadInChunks(session, request, begun);
  request.onProgress?.(request.size);
  return 'uploaded';
}

function scopeOf({ repository, mountFrom }: UploadRequest): string {
  const own = `repository:${repository}:pull,push`;
  return mountFrom === undefined ? own : `${own} repository:${mountFrom}:pull`;
}

interface UploadSession {
  readonly location: URL;
  readonly minChunkBytes: number;
}

async function begin(session: RegistrySession, request: UploadRequest): Promise<UploadSession | 'mounted'> {
  const mount = new URLSearchParams(
    request.mountFrom === undefined ? {} : { mount: request.digest, from: request.mountFrom },
  );
  const query = mount.size === 0 ? '' : `?${mount}`;
  const response = await session.request({
    method: 'POST',
    target: `/v2/${request.repository}/blobs/uploads/${query}`,
    scope: scopeOf(request),
    headers: { 'Content-Length': '0' },
    accept: [201, 202],
  });
  await response.discard();
  if (response.status === 201) return 'mounted';
  const minimum = Number(response.header('oci-chunk-min-length') ?? 0);
  return { location: locationOf(response), minChunkBytes: Number.isSafeInteger(minimum) ? minimum : 0 };
}

/** Where the next byte goes. */
interface UploadPoint {
  readonly location: URL;
  readonly sent: number;
}

function locationOf(response: HttpResponse): URL {
  const location = response.header('location');
  if (location !== undefined && URL.canParse(location, response.url)) return new URL(location, response.url);
  throw new CtrError('NETWORK', `${response.url.host}: the registry named no place to upload to`);
}

/** POST, then PUT with everything; a broken one begins anew, because its session is in an unknown state. */
async function uploadWhole(session: RegistrySession, request: UploadRequest, first: UploadSession): Promise<void> {
  await withRetries(request.retry, request.retryDeps ?? {}, async (attempt) => {
    const begun = attempt === 0 ? first : await begin(session, request);
    if (begun === 'mounted') return;
    await finish(session, request, begun.location, 0);
  });
}

async function uploadInChunks(session: RegistrySession, request: UploadRequest, begun: UploadSession): Promise<void> {
  const chunkBytes = Math.max(request.chunkBytes ?? defaultChunkBytes, begun.minChunkBytes);
  let at: UploadPoint | 'mounted' = { location: begun.location, sent: 0 };
  while (at !== 'mounted' && at.sent < request.size) {
    let point: UploadPoint | 'mounted' = at;
    at = await withRetries(request.retry, request.retryDeps ?? {}, async (attempt) => {
      if (attempt > 0 && point !== 'mounted') point = await pickUp(session, request, point.location);
      if (point === 'mounted' || point.sent === request.size) return point;
      const length = Math.min(chunkBytes, request.size - point.sent);
      const location = await sendChunk(session, request, point.location, { start: point.sent, length });
      return { location, sent: point.sent + length };
    });
    if (at !== 'mounted') request.onProgress?.(at.sent);
  }
  if (at !== 'mounted') await finish(session, request, at.location, request.size);
}

async function sendChunk(
  session: RegistrySession,
  request: UploadRequest,
  location: URL,
  chunk: { readonly start: number; readonly length: number },
): Promise<URL> {
  const { start, length } = chunk;
  const response = await session.once({
    method: 'PATCH',
    target: location,
    scope: scopeOf(request),
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(length),
      'Content-Range': `${start}-${start + length - 1}`,
    },
    body: () => request.read(start, length),
    accept: [201, 202, 204],
  });
  await response.discard();
  return locationOf(response);
}

/**
 * distribution-spec "Pushing a blob in chunks": GET on the location tells what has arrived (`Range: 0-N`). The
 * distribution project's registry forgets an upload whose chunk broke off: then there is nothing but a new beginning.
 */
async function pickUp(
  session: RegistrySession,
  request: UploadRequest,
  location: URL,
): Promise<UploadPoint | 'mounted'> {
  const response = await session.once({ method: 'GET', target: location, scope: scopeOf(request), accept: [204, 404] });
  await response.discard();
  if (response.status === 404) {
    const begun = await begin(session, request);
    return begun === 'mounted' ? begun : { location: begun.location, sent: 0 };
  }
  const last = /^(?:bytes=)?0-(\d+)$/.exec(response.header('range') ?? '')?.[1];
  // `0-0` is what registries say of an empty upload, too; one byte more or less costs nothing.
  const sent = last === undefined || last === '0' ? 0 : Number(last) + 1;
  if (sent > request.size) {
    throw new TransportError('NETWORK', `${session.registry} has more of ${request.digest} than there is`, {
      retryable: false,
    });
  }
  return { location: response.header('location') === undefined ? location : locationOf(response), sent };
}

/** The closing PUT, with the bytes from `offset` on. */
async function finish(session: RegistrySession, request: UploadRequest, location: URL, offset: number): Promise<void> {
  const target = new URL(location);
  target.searchParams.set('digest', request.digest);
  const length = request.size - offset;
  const response = await session.once({
    method: 'PUT',
    target,
    scope: scopeOf(request),
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(length) },
    ...(length === 0 ? {} : { body: () => request.read(offset, length) }),
    accept: [201, 202, 204],
  });
  await response.discard();
}
