import { posix } from 'node:path';
import { flagError } from './flag-error.ts';

/** A place in the container: absolute, normalised, and not the root itself. */
export function parseTarget(flag: string, spec: string, path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) {
    throw flagError(flag, spec, `the path in the container must be absolute, not ${JSON.stringify(path)}`);
  }
  const normal = posix.normalize(path).replace(/\/$/, '');
  if (normal === '') throw flagError(flag, spec, 'nothing can be mounted over / of the container');
  return normal;
}

/** Docker's rule for the names of containers and volumes. */
export const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
