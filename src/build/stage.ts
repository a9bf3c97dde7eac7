/** A Dockerfile cut into stages. */
import type { ArgInstruction, FromInstruction, StageInstruction } from './instruction.ts';
import type { LintWarning } from './lint-warning.ts';

export interface Dockerfile {
  readonly fileName: string;
  readonly text: string;
  readonly directives: Directives;
  /** ARG before the first FROM: the global scope. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
  /** What the parser itself saw (empty continuation lines); `lint` adds the rest. */
  readonly warnings: readonly LintWarning[];
}

/** `# syntax=`, `# escape=`, `# check=` at the top of the file. */
export interface Directives {
  readonly syntax?: string;
  readonly escape: '\\' | '`';
  readonly check: {
    readonly skip: readonly string[] | 'all';
    readonly error: boolean;
    readonly experimental: readonly string[] | 'all';
  };
}

export interface Stage {
  /** Position in the file: `COPY --from=0`. */
  readonly index: number;
  readonly name?: string;
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}
