import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';

/** Where flags that name files and variables look: given by the caller, so that parsing stays a function. */
export interface FlagContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** The text of a file that a flag names, relative to the caller's directory. */
export function readFlagFile(flag: string, path: string, context: FlagContext): string {
  try {
    return readFileSync(resolve(context.cwd, path), 'utf8');
  } catch (error) {
    throw new CtrError('NOT_FOUND', `cannot read the file of ${flag}: ${path}`, { cause: error });
  }
}
