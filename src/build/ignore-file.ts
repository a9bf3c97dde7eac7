/** `.dockerignore` and `.containerignore` (reference, ".dockerignore file"): patterns of which the last match decides. */
import { CtrError } from '../base/ctr-error.ts';

export interface IgnoreRules {
  /** Whether a path of the context (`/` between its parts, none at its ends) is left out. */
  isIgnored(path: string): boolean;
  /** Whether something below an ignored directory may come back in by a `!` pattern, so that it must be walked. */
  mayContainExceptions(directory: string): boolean;
  readonly patterns: readonly string[];
}

export function parseIgnoreFile(_text: string, fileName: string): IgnoreRules {
  throw new CtrError('UNSUPPORTED', `${fileName}: ignore files are not part of this version`);
}
