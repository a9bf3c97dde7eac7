/** What the checks need to know beside the Dockerfile. */
import type { Globals } from './graph.ts';
import type { IgnoreRules } from './ignore-file.ts';

export interface LintOptions {
  readonly globals: Globals;
  /** The ENV of an image, if it is known: without it most undefined variables cannot be told. */
  baseEnv?(reference: string): readonly string[] | undefined;
  readonly ignore?: IgnoreRules;
}
