import { CtrError } from '../../base/ctr-error.ts';

/** A flag's value that cannot be read: names the flag, the wrong word, and what is right. */
export function flagError(flag: string, word: string, wanted: string): CtrError {
  return new CtrError('USAGE', `invalid value ${JSON.stringify(word)} for ${flag}: ${wanted}`);
}
