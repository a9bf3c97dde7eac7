/** `ctr image copy`, `ctr list-tags`, `ctr search`: work on registries, layouts and archives that leaves the store alone. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { CopyChoice } from '../image/copy.ts';
import { type ImageLocation, parseLocation } from '../image/transport/image-location.ts';
import type { AccessOptions } from '../image/transport/registry-access.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { parseReference, repositoryName } from '../oci/reference.ts';
import type { CopyWatch } from './push.ts';

export interface ImageCopyRequest extends CopyChoice {
  readonly source: string;
  readonly destination: string;
  readonly sourceAccess: AccessOptions;
  readonly destinationAccess: AccessOptions;
}

/** Returns what has the name at the destination. */
export async function copyBetween(host: Host, request: ImageCopyRequest, watch: CopyWatch): Promise<Descriptor> {
  const { copyImage } = await import('../image/copy.ts');
  const { openDestination, openSource } = await import('../image/open-image.ts');
  const [from, to] = [locationOf(request.source), locationOf(request.destination)];
  const { signal } = watch;
  const source = await openSource(from, { host, options: request.sourceAccess, signal });
  try {
    const destination = await openDestination(to, { host, options: request.destinationAccess, signal });
    try {
      return await copyImage(source, destination, request, { host, ...watch });
    } finally {
      destination.close();
    }
  } finally {
    source.close();
  }
}

function locationOf(text: string): ImageLocation {
  const location = parseLocation(text);
  if (location) return location;
  throw new CtrError('USAGE', `${text}: a transport is missing`, {
    hint: 'docker://NAME, oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME] or dir:DIR, with a / in paths',
  });
}

export interface RepositoryTags {
  readonly repository: string;
  readonly tags: readonly string[];
}

export async function listRemoteTags(host: Host, name: string, options: AccessOptions): Promise<RepositoryTags> {
  const reference = parseReference(name.replace(/^docker:\/\//, ''));
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw new CtrError('USAGE', `${name}: no tag or digest is wanted`);
  }
  const { connectTo } = await import('../image/open-image.ts');
  const { access, connection } = await connectTo(reference, { host, options });
  try {
    const tags = await connection.registry.tags(connection.endpoint.repository);
    return { repository: repositoryName(reference), tags };
  } finally {
    access.close();
  }
}

/** The repositories of a registry whose names contain the term (distribution's catalogue API). */
export async function searchRegistry(host: Host, text: string, options: AccessOptions): Promise<string[]> {
  const { emptyRegistriesConf, loadRegistriesConf } = await import('../image/transport/registries-conf.ts');
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const conf = isHost ? emptyRegistriesConf : await loadRegistriesConf(host);
  const domains = isHost ? [first] : conf.searchRegistries;
  const term = isHost ? text.slice(slash + 1) : text;
  if (domains.length === 0 || domains.includes('docker.io')) {
    throw new CtrError('UNSUPPORTED', 'docker.io has no catalogue to search in', {
      hint: 'write the registry before the term: ctr search registry.example/term',
    });
  }
  const { connectTo } = await import('../image/open-image.ts');
  const found: string[] = [];
  for (const domain of domains) {
    const { access, connection } = await connectTo({ domain, path: 'search' }, { host, options });
    try {
      const repositories = await connection.registry.catalog();
      found.push(...repositories.filter((name) => name.includes(term)).map((name) => `${domain}/${name}`));
    } finally {
      access.close();
    }
  }
  return found;
}
