/** One finding of `ctr build --check`. */
import type { SourceRange } from './source-range.ts';

export interface LintWarning {
  readonly rule: string;
  /** What the rule demands, one sentence. */
  readonly description: string;
  /** What is wrong here. */
  readonly message: string;
  readonly source: SourceRange;
}
