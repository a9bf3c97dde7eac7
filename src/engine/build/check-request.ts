/** What cannot come out of a build is refused before anything is built. */
import { CtrError } from '../../base/ctr-error.ts';
import { parseReference } from '../../oci/reference.ts';
import type { BuildRequest } from './build-request.ts';

export function checkRequest(request: BuildRequest): void {
  const { annotations, attestations, format, manifest, names, outputs, platforms, push } = request;
  for (const name of [...names, manifest ?? []].flat()) parseReference(name, 'localhost');
  const isIndex = platforms.length > 1 || attestations.length > 0;
  const wrong = annotations.find(({ place, platform }) => {
    return (place.startsWith('index') && !isIndex) || (platform !== undefined && !platforms.includes(platform));
  });
  if (wrong?.platform !== undefined) {
    throw new CtrError('USAGE', `--annotation ${wrong.key}: ${wrong.platform} is not built`, {
      hint: 'see --platform',
    });
  }
  if (wrong) {
    throw new CtrError('USAGE', `--annotation ${wrong.key}: one image has no index`, {
      hint: 'an index is made of several platforms, or with --provenance or --sbom',
    });
  }
  if (format === 'v2s2' && (annotations.length > 0 || attestations.length > 0)) {
    throw new CtrError('USAGE', 'Docker’s manifests hold neither annotations nor attestations', {
      hint: '--format oci',
    });
  }
  if (platforms.length > 1 && outputs.some(({ type }) => type === 'docker')) {
    throw new CtrError('USAGE', '--output type=docker: the archive holds one platform', {
      hint: 'type=oci holds them all',
    });
  }
  if (push && names.length === 0) throw new CtrError('USAGE', '--push needs a name', { hint: 'give one with -t' });
}
