/** Addresses of build contexts and of what ADD reads. Pure. */
import { parseGitReference } from '../../build/git-reference.ts';

export const isRemote = (context: string): boolean =>
  /^https?:\/\//.test(context) || parseGitReference(context) !== undefined;

/** What may be written down. */
export const withoutCredentials = (address: string): string => address.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');
