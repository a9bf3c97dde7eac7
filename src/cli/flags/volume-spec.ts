/** -v [SOURCE:]TARGET[:OPTIONS] and --tmpfs TARGET[:OPTIONS] (podman-run(1)). */
import { resolve } from 'node:path';
import type { MountRequest } from '../../engine/run-request.ts';
import { flagError } from './flag-error.ts';
import { checkMountOptions } from './mount-options.ts';
import { namePattern, parseTarget } from './mount-target.ts';

/** A source that begins with `/` or `.` is a host path (relative to `cwd`), any other the name of a volume. */
export function parseVolumeSpec(spec: string, cwd: string): MountRequest {
  const parts = splitColons(spec);
  if (parts.length > 3) throw flagError('--volume', spec, 'want [SOURCE:]TARGET[:OPTIONS]; write \\: for a colon');
  const [source, path, optionText] = parts.length === 1 ? [undefined, parts[0], undefined] : parts;
  const target = parseTarget('--volume', spec, path ?? '');
  const words = optionText ? optionText.split(',') : [];
  if (source === undefined) return { type: 'volume', target, ...checkMountOptions('--volume', spec, words, 'volume') };
  if (/^[/.]/.test(source)) {
    return {
      type: 'bind',
      source: resolve(cwd, source),
      target,
      ...checkMountOptions('--volume', spec, words, 'bind'),
    };
  }
  if (!namePattern.test(source)) {
    throw flagError('--volume', spec, `${JSON.stringify(source)} is neither a path (/…, ./…) nor the name of a volume`);
  }
  return { type: 'volume', source, target, ...checkMountOptions('--volume', spec, words, 'volume') };
}

export function parseTmpfsSpec(spec: string): MountRequest {
  const colon = spec.indexOf(':');
  const words =
    colon === -1
      ? []
      : spec
          .slice(colon + 1)
          .split(',')
          .filter((word) => word !== '');
  const target = parseTarget('--tmpfs', spec, colon === -1 ? spec : spec.slice(0, colon));
  return { type: 'tmpfs', target, ...checkMountOptions('--tmpfs', spec, words, 'tmpfs') };
}

/** Split at colons; `\:` is a colon in a path. */
function splitColons(text: string): string[] {
  return text.split(/(?<!\\):/).map((part) => part.replaceAll('\\:', ':'));
}
