/**
 * Attestations as BuildKit stores them: in-toto statements about an image are the layers of a manifest of their own, which
 * stands in the index beside the image and is for no platform (docs.docker.com "Image attestation storage").
 */
import type { Descriptor } from '../../oci/descriptor.ts';
import { hexOf } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/media-types.ts';
import { formatPlatform } from '../../oci/platform.ts';
import { imageUrl } from './base-image.ts';
import type { Build, StageState } from './build-state.ts';
import { documentOf } from './cache-document.ts';
import { provenanceOf, provenanceType } from './provenance.ts';
import { sbomOf } from './sbom.ts';
import { createdText } from './stage.ts';
import { store, type WrittenImage } from './write-image.ts';

const nowhere = { architecture: 'unknown', os: 'unknown' };

/** The manifest's entry for the index. */
export async function attest(build: Build, state: StageState, written: WrittenImage): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const attestation of build.request.attestations) {
    const [predicateType, predicate] =
      attestation.type === 'provenance'
        ? [provenanceType, provenanceOf(build, attestation.mode)]
        : ['https://spdx.dev/Document', await sbomOf(build, state, subjectOf(build, state, written))];
    const subject = subjectsOf(build, written);
    const statement = { _type: 'https://in-toto.io/Statement/v1', predicateType, subject, predicate };
    const document = documentOf('application/vnd.in-toto+json', statement);
    store(build, document);
    layers.push({ ...document[1], annotations: { 'in-toto.io/predicate-type': predicateType } });
  }
  const diff_ids = layers.map(({ digest }) => digest);
  const config = documentOf(mediaTypes.ociConfig, { ...nowhere, config: {}, rootfs: { type: 'layers', diff_ids } });
  const { ociManifest: mediaType } = mediaTypes;
  const manifest = documentOf(mediaType, { schemaVersion: 2, mediaType, config: config[1], layers });
  for (const document of [config, manifest]) store(build, document);
  const annotations = {
    'vnd.docker.reference.digest': written.manifest.digest,
    'vnd.docker.reference.type': 'attestation-manifest',
  };
  return { ...manifest[1], annotations, platform: nowhere };
}

function subjectOf(build: Build, state: StageState, { manifest }: WrittenImage) {
  return { name: build.request.names[0] ?? 'image', digest: manifest.digest, created: createdText(build, state) };
}

/** The image under each of its names. */
function subjectsOf({ request }: Build, { manifest, platform }: WrittenImage): object[] {
  const digest = { sha256: hexOf(manifest.digest) };
  if (request.names.length === 0) return [{ name: '_', digest }];
  return request.names.map((name) => ({ name: imageUrl(name, formatPlatform(platform)), digest }));
}
