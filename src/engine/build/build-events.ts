/** What a build tells whoever watches it. */
export interface BuildStepInfo {
  /** Counts from 1 in the order in which steps began. */
  readonly id: number;
  /** `build 2/5`. */
  readonly place: string;
  /** The instruction on one line, as written. */
  readonly text: string;
}

/** `canceled`: another step failed, or ctr was interrupted. */
export type StepEnd = 'done' | 'cached' | 'failed' | 'canceled';

export interface BuildWatch {
  began(step: BuildStepInfo): void;
  output(step: BuildStepInfo, stream: 'stdout' | 'stderr', bytes: Buffer): void;
  ended(step: BuildStepInfo, how: StepEnd, ms: number): void;
  warning(text: string): void;
}
