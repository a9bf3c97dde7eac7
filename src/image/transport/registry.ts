/** A registry's API as functions (OCI distribution-spec 1.1): manifests, blobs, tags, referrers. Uploads: upload.ts. */
import { CtrError } from '../../base/ctr-error.ts';
import { array, object, optional, parseJson, string } from '../../oci/check.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, hasherFor, hexOf, isDigest, parseDigest, sha256Of } from '../../oci/digest.ts';
import { isIndex, maxManifestBytes, parseManifest } from '../../oci/manifest.ts';
import { manifestMediaTypes, mediaTypes } from '../../oci/media-types.ts';
import type { HttpResponse } from './http-client.ts';
import type { RegistrySession } from './registry-session.ts';
import { TransportError } from './transport-error.ts';

/** A manifest as the registry keeps it: the bytes are what the digest is about. */
export interface FetchedManifest {
  readonly content: Buffer;
  readonly digest: Digest;
  /** The Content-Type header; the document's own mediaType decides (oci/manifest.ts). */
  readonly contentType: string | undefined;
}

export interface BlobStream {
  /** Where in the blob `chunks` begins: the offset asked for, or 0 where the registry does not do ranges. */
  readonly start: number;
  chunks(): AsyncIterable<Uint8Array>;
}

export interface Registry {
  /** `reference` is a tag or a digest; by digest, the content is verified. */
  getManifest(repository: string, reference: string, signal?: AbortSignal): Promise<FetchedManifest>;
  /** The digest that `reference` has now; undefined when there is no such manifest. Costs no pull quota. */
  headManifest(repository: string, reference: string): Promise<Digest | undefined>;
  putManifest(repository: string, reference: string, content: Buffer, mediaType: string): Promise<Digest>;
  deleteManifest(repository: string, digest: Digest): Promise<void>;
  /** One attempt, from `offset` on: the caller resumes, since it knows what it has. */
  getBlob(repository: string, digest: Digest, offset: number, signal?: AbortSignal): Promise<BlobStream>;
  hasBlob(repository: string, digest: Digest): Promise<boolean>;
  tags(repository: string): Promise<readonly string[]>;
  catalog(): Promise<readonly string[]>;
  /** Manifests whose subject is `digest`; by the fallback tag where the registry has no referrers API. */
  referrers(repository: string, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  /** For a login: throws unless the credentials are accepted. */
  ping(): Promise<void>;
}

const maxListBytes = 8 * 1024 * 1024;
const maxPages = 10_000;

export function createRegistry(session: RegistrySession): Registry {
  return {
    getManifest: (repository, reference, signal) => getManifest(session, repository, reference, signal),
    headManifest: (repository, reference) => headManifest(session, repository, reference),
    putManifest: (repository, reference, content, type) => putManifest(session, repository, reference, content, type),
    async deleteManifest(repository, digest) {
      const scope = `repository:${repository}:delete,pull,push`;
      const target = `/v2/${repository}/manifests/${digest}`;
      await (await session.request({ method: 'DELETE', target, scope, accept: [200, 202] })).discard();
    },
    getBlob: (repository, digest, offset, signal) => getBlob(session, repository, digest, offset, signal),
    async hasBlob(repository, digest) {
      const target = `/v2/${repository}/blobs/${digest}`;
      const scope = pullScope(repository);
      const response = await session.request({ method: 'HEAD', target, scope, accept: [200, 404] });
      await response.discard();
      return response.status === 200;
    },
    tags: (repository) =>
      list(session, `/v2/${repository}/tags/list?n=1000`, pullScope(repository), (page) => page.tags),
    catalog: () => list(session, '/v2/_catalog?n=1000', 'registry:catalog:*', (page) => page.repositories),
    referrers: (repository, digest, artifactType) => referrers(session, repository, digest, artifactType),
    async ping() {
      await (await session.request({ method: 'GET', target: '/v2/', scope: '', accept: [200] })).discard();
    },
  };
}

export function pullScope(repository: string): string {
  return `repository:${repository}:pull`;
}

async function getManifest(
  session: RegistrySession,
  repository: string,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<FetchedManifest> {
  const response = await session.request({
    method: 'GET',
    target: `/v2/${repository}/manifests/${reference}`,
    scope: pullScope(repository),
    headers: { Accept: manifestMediaTypes.join(', ') },
    accept: [200],
    signal,
  });
  const content = await response.bytes(maxManifestBytes);
  const digest = digestLike(isDigest(reference) ? reference : undefined, content);
  const announced = response.header('docker-content-digest');
  if (isDigest(reference) && digest !== reference) throw wrongDigest(session, repository, reference, digest);
  if (announced !== undefined && isDigest(announced) && digestLike(announced, content) !== announced) {
    throw wrongDigest(session, repository, announced, digest);
  }
  return { content, digest, contentType: response.header('content-type') };
}

function digestLike(expected: Digest | undefined, content: Buffer): Digest {
  if (expected === undefined) return sha256Of(content);
  const hasher = hasherFor(expected);
  hasher.update(content);
  return hasher.digest();
}

function wrongDigest(session: RegistrySession, repository: string, expected: Digest, got: Digest): CtrError {
  const what = `${session.registry}/${repository}`;
  return new CtrError('VERIFY', `the manifest that ${what} sent is not ${expected}, but ${got}`);
}

async function headManifest(
  session: RegistrySession,
  repository: string,
  reference: string,
): Promise<Digest | undefined> {
  const response = await session.request({
    method: 'HEAD',
    target: `/v2/${repository}/manifests/${reference}`,
    scope: pullScope(repository),
    headers: { Accept: manifestMediaTypes.join(', ') },
    accept: [200, 404],
  });
  await response.discard();
  if (response.status === 404) return undefined;
  const announced = response.header('docker-content-digest');
  // The header is a SHOULD (distribution-spec "Checking if content exists"): without it, the content tells.
  if (announced === undefined) return (await getManifest(session, repository, reference, undefined)).digest;
  return parseDigest(announced);
}

async function putManifest(
  session: RegistrySession,
  repository: string,
  reference: string,
  content: Buffer,
  mediaType: string,
): Promise<Digest> {
  const response = await session.request({
    method: 'PUT',
    target: `/v2/${repository}/manifests/${reference}`,
    scope: `repository:${repository}:pull,push`,
    headers: { 'Content-Type': mediaType },
    body: content,
    accept: [200, 201, 202],
  });
  await response.discard();
  return sha256Of(content);
}

async function getBlob(
  session: RegistrySession,
  repository: string,
  digest: Digest,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<BlobStream> {
  const response = await session.once({
    method: 'GET',
    target: `/v2/${repository}/blobs/${digest}`,
    scope: pullScope(repository),
    headers: offset === 0 ? {} : { Range: `bytes=${offset}-` },
    // 416: nothing is left of what was asked; begin again and let the verification judge.
    accept: [200, 206, 416],
    signal,
  });
  if (response.status === 416) {
    await response.discard();
    if (offset > 0) return getBlob(session, repository, digest, 0, signal);
  }
  if (response.status === 206) {
    const start = /^bytes (\d+)-/.exec(response.header('content-range') ?? '')?.[1];
    if (Number(start) === offset) return { start: offset, chunks: response.chunks };
  }
  if (response.status === 200) return { start: 0, chunks: response.chunks };
  await response.discard();
  throw new TransportError('NETWORK', `blob ${digest}: ${session.registry} sent another range than asked for`, {
    retryable: false,
    status: response.status,
  });
}

const pageShape = object({ tags: optional(array(string)), repositories: optional(array(string)) });
type Page = ReturnType<typeof pageShape>;

/** distribution-spec "Listing Tags": pages are linked by the Link header (RFC 8288). */
async function list(
  session: RegistrySession,
  firstPage: string,
  scope: string,
  items: (page: Page) => readonly string[] | undefined,
): Promise<readonly string[]> {
  const all: string[] = [];
  let target: string | undefined = firstPage;
  for (let pages = 0; target !== undefined && pages < maxPages; pages++) {
    const response = await session.request({ method: 'GET', target, scope, accept: [200] });
    const page = parseJson(await response.bytes(maxListBytes), `${session.registry}: list`, pageShape);
    all.push(...(items(page) ?? []));
    const next = nextPage(response);
    target = next === target ? undefined : next;
  }
  return all;
}

/** The next page as a path on the same registry, whatever host the header names. */
function nextPage(response: HttpResponse): string | undefined {
  const link = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(response.header('link') ?? '')?.[1];
  if (link === undefined || !URL.canParse(link, response.url)) return undefined;
  const { pathname, search } = new URL(link, response.url);
  return pathname + search;
}

async function referrers(
  session: RegistrySession,
  repository: string,
  digest: Digest,
  artifactType: string | undefined,
): Promise<readonly Descriptor[]> {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const answer = await indexAt(session, repository, `/v2/${repository}/referrers/${digest}${query}`);
  const fallback = `/v2/${repository}/manifests/${digest.split(':', 1)[0]}-${hexOf(digest)}`;
  const found = answer ?? (await indexAt(session, repository, fallback)) ?? [];
  return artifactType === undefined ? found : found.filter((one) => one.artifactType === artifactType);
}

async function indexAt(
  session: RegistrySession,
  repository: string,
  target: string,
): Promise<readonly Descriptor[] | undefined> {
  const response = await session.request({
    method: 'GET',
    target,
    scope: pullScope(repository),
    headers: { Accept: mediaTypes.ociIndex },
    accept: [200, 404],
  });
  const content = await response.bytes(maxManifestBytes);
  if (response.status === 404) return undefined;
  const manifest = parseManifest(content, response.header('content-type'));
  return isIndex(manifest) ? manifest.manifests : [];
}
