/** From a location to a source or a destination of copies. */
import { createReadStream, statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { Digest } from '../oci/digest.ts';
import { canonicalName, parseReference, type Reference, withDefaultTag } from '../oci/reference.ts';
import type { ImageDestination, ImageSource } from './content.ts';
import { blobDirectoryDestination, blobDirectorySource } from './transport/blob-directory.ts';
import { dockerArchiveCollection, imageInDockerArchive } from './transport/docker-archive.ts';
import { archiveFiles, directoryFiles, type FileSet } from './transport/file-set.ts';
import { archiveSink, directorySink } from './transport/file-sink.ts';
import type { ImageLocation } from './transport/image-location.ts';
import { imageInLayout, ociLayoutCollection } from './transport/oci-layout.ts';
import { endpointsFor, loadRegistriesConf } from './transport/registries-conf.ts';
import { type AccessOptions, createRegistryAccess, type RegistryConnection } from './transport/registry-access.ts';
import { registryDestination, registrySource } from './transport/registry-image.ts';

export interface OpenDeps {
  readonly host: Host;
  readonly options: AccessOptions;
  readonly signal?: AbortSignal | undefined;
}

export async function openSource(location: ImageLocation, deps: OpenDeps): Promise<ImageSource> {
  switch (location.transport) {
    case 'docker': {
      const reference = parseReference(location.name);
      return registrySource(deps.host, { reference, ...(await connectTo(reference, deps)), signal: deps.signal });
    }
    case 'dir':
      return blobDirectorySource(directoryFiles(location.path));
    case 'oci':
      return imageInLayout(directoryFiles(location.path), location.name);
    case 'oci-archive':
      return closing(await filesOf(location.path, deps.host), (files) => imageInLayout(files, location.name));
    case 'docker-archive':
      return closing(await filesOf(location.path, deps.host), (files) => imageInDockerArchive(files, location.name));
  }
}

async function filesOf(path: string, host: Host): Promise<FileSet> {
  if (!statSync(path, { throwIfNoEntry: false })) throw new CtrError('NOT_FOUND', `${path}: no such file`);
  return archiveFiles(host, path, createReadStream(path));
}

/** A source that frees its spooled archive. */
async function closing(
  files: FileSet,
  open: (files: FileSet) => ImageSource | Promise<ImageSource>,
): Promise<ImageSource> {
  try {
    return { ...(await open(files)), close: () => files.close() };
  } catch (error) {
    files.close();
    throw error;
  }
}

export interface DestinationHints {
  /** Names that archives get when the location has none. */
  readonly names?: readonly string[];
  readonly mountFrom?: (domain: string, digest: Digest) => string | undefined;
}

export async function openDestination(
  location: ImageLocation,
  deps: OpenDeps,
  hints: DestinationHints = {},
): Promise<ImageDestination> {
  switch (location.transport) {
    case 'docker': {
      const reference = parseReference(location.name);
      const mountFrom = (digest: Digest) => hints.mountFrom?.(reference.domain, digest);
      return registryDestination({ reference, ...(await connectTo(reference, deps)), signal: deps.signal, mountFrom });
    }
    case 'dir':
      return blobDirectoryDestination(directorySink(location.path));
    case 'oci':
      return ociLayoutCollection(directorySink(location.path)).image(namesFor(location.name, hints));
    case 'oci-archive': {
      const sink = await archiveSink({ path: location.path });
      return ociLayoutCollection(sink).image(namesFor(location.name, hints));
    }
    case 'docker-archive': {
      const names = namesFor(location.name, hints).map((name) => canonicalName(withDefaultTag(parseReference(name))));
      return dockerArchiveCollection(await archiveSink({ path: location.path })).image(names);
    }
  }
}

const namesFor = (name: string | undefined, { names = [] }: DestinationHints) => (name === undefined ? names : [name]);

/** The registry itself: what is pushed, or copied without the store, asks no mirror. */
export async function connectTo(reference: Reference, deps: OpenDeps) {
  const conf = await loadRegistriesConf(deps.host);
  const endpoint = endpointsFor(reference, conf).find(({ isMirror }) => !isMirror);
  if (endpoint === undefined) throw new CtrError('NOT_FOUND', `${canonicalName(reference)}: no registry to ask`);
  const access = createRegistryAccess(deps.host, deps.options);
  const connection: RegistryConnection = access.connect(endpoint);
  return { access, connection };
}
