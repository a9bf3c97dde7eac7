/** skopeo's `dir:` (containers-transports(5)): one image as manifest.json, `version`, and a file per blob. */

import type { Descriptor } from '../../oci/descriptor.ts';
import { hexOf, sha256Of } from '../../oci/digest.ts';
import { maxManifestBytes, parseManifest } from '../../oci/manifest.ts';
import { manifestMediaTypes } from '../../oci/media-types.ts';
import type { ImageDestination, ImageSource, ManifestFormat } from '../content.ts';
import { type FileSet, readSmallFile } from './file-set.ts';
import type { FileSink } from './file-sink.ts';
import { openFile, putFile, readDocument } from './oci-layout.ts';

export function blobDirectorySource(files: FileSet): ImageSource {
  return {
    name: files.name,
    async target() {
      const content = readSmallFile(files, 'manifest.json', maxManifestBytes);
      const { mediaType } = parseManifest(content);
      return { descriptor: { mediaType, digest: sha256Of(content), size: content.length }, content };
    },
    document: async (descriptor) => readDocument(files, fileName(descriptor), descriptor),
    open: async (descriptor) => openFile(files, fileName(descriptor)),
    close: () => files.close(),
  };
}

export function blobDirectoryDestination(sink: FileSink, format?: ManifestFormat): ImageDestination {
  return {
    name: sink.name,
    layers: 'as-is',
    ...(format === undefined ? {} : { format }),
    hasBlob: async (descriptor) => sink.has(fileName(descriptor)),
    putBlob: (descriptor, blob, onBytes) => putFile(sink, fileName(descriptor), { descriptor, blob, onBytes }),
    putManifest: ({ descriptor, content }, isTarget) =>
      sink.add(isTarget ? 'manifest.json' : fileName(descriptor), content),
    async finish() {
      await sink.add('version', 'Directory Transport Version: 1.1\n');
      await sink.finish();
    },
    close: () => sink.close(),
  };
}

const fileName = ({ digest, mediaType }: Descriptor) =>
  manifestMediaTypes.includes(mediaType) ? `${hexOf(digest)}.manifest.json` : hexOf(digest);
