/** `--annotation [PLACE[PLATFORM],…:]KEY=VALUE` (docker-buildx-build(1)). */
import type { BuildAnnotation } from '../engine/build/build-request.ts';
import { formatPlatform, parsePlatform } from '../oci/platform.ts';
import { flagError } from './flags/flag-error.ts';
import { splitKeyValue } from './flags/key-value.ts';

const places = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;
const placeWord = /^(manifest|index|manifest-descriptor|index-descriptor)(?:\[([^\]]+)\])?$/;

/** One for each place that is named; of the manifest where none is. */
export function parseAnnotation(text: string): BuildAnnotation[] {
  const colon = text.indexOf(':');
  const words = text.slice(0, Math.max(colon, 0)).split(/,(?![^[]*\])/);
  const hasPlace = colon > 0 && words.every((word) => placeWord.test(word));
  const [key, value] = splitKeyValue(hasPlace ? text.slice(colon + 1) : text);
  if (key === '' || value === undefined) throw flagError('--annotation', text, 'want KEY=VALUE');
  if (!hasPlace) return [{ place: 'manifest', key, value }];
  return words.map((word) => {
    const [, name, platform] = placeWord.exec(word) ?? [];
    const place = places.find((each) => each === name);
    if (place === undefined) throw flagError('--annotation', text, `want ${places.join(', ')}`);
    if (platform !== undefined && place.startsWith('index')) {
      throw flagError('--annotation', text, 'an index is for no single platform');
    }
    return {
      place,
      key,
      value,
      ...(platform === undefined ? {} : { platform: formatPlatform(parsePlatform(platform)) }),
    };
  });
}
