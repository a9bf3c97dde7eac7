/** Dockerfile text → stages of typed instructions (Dockerfile reference). Pure; every error is a CtrError. */
import { CtrError } from '../base/ctr-error.ts';
import type { StageInstruction } from './instruction.ts';
import type { Dockerfile } from './stage.ts';

export interface ParseOptions {
  /** For messages: `Dockerfile`. */
  readonly fileName: string;
}

export function parseDockerfile(_text: string, { fileName }: ParseOptions): Dockerfile {
  throw new CtrError('UNSUPPORTED', `${fileName}: the parser is not part of this version`);
}

/** The triggers of a base image (config.OnBuild), to be run before the stage's own instructions. */
export function parseTriggers(_triggers: readonly string[], image: string): StageInstruction[] {
  throw new CtrError('UNSUPPORTED', `${image}: the parser is not part of this version`);
}
