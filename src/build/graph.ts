/**
 * The build as a graph of stages: what each is made from and reads, in the order in which they can be built. Plain
 * data; nothing is looked up in a registry or store.
 */
import type { StageInstruction } from './instruction.ts';
import type { SourceRange } from './source-range.ts';
import type { Dockerfile } from './stage.ts';

export interface PlanOptions {
  /** A stage's name or number; absent: the last one. */
  readonly target?: string | undefined;
  /** `--build-arg`, values filled in. */
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `os/arch[/variant]` of the result, and of this machine. */
  readonly platform: string;
  readonly buildPlatform: string;
  /** Names given by `--build-context`: they take the place of stages and images of that name. */
  readonly contexts?: readonly string[];
}

export interface BuildPlan {
  readonly dockerfile: Dockerfile;
  readonly target: PlannedStage;
  /** Every stage that the target needs, each behind the ones it needs; the target is the last. */
  readonly stages: readonly PlannedStage[];
  /** The values of the global scope: ARG before FROM, `--build-arg`, TARGETPLATFORM and its like. */
  readonly globals: Globals;
  readonly options: PlanOptions;
}

export interface Globals {
  /** Declared before FROM, with their values. */
  readonly args: Readonly<Record<string, string>>;
  /** All of `--build-arg`: a stage's ARG takes its value from here first. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** TARGETPLATFORM, TARGETOS, TARGETARCH, TARGETVARIANT, BUILD…, TARGETSTAGE: seen by a stage after `ARG NAME`. */
  readonly predefined: Readonly<Record<string, string>>;
  /** HTTP_PROXY and its like among the build arguments: every RUN sees them, no history or cache key does. */
  readonly proxies: Readonly<Record<string, string>>;
}

export interface PlannedStage {
  readonly index: number;
  readonly name?: string;
  /** `name`, else the number: for progress. */
  readonly label: string;
  readonly source: SourceRange;
  /** The FROM line, variables expanded. */
  readonly text: string;
  readonly base: Origin;
  /** From `--platform`; absent: the result's. */
  readonly platform?: string;
  /** Not expanded: `expandStep` does that, one after the other, because the base image's ENV counts. */
  readonly instructions: readonly StageInstruction[];
  /** Stages that must be finished before: the base, and every `--from`. */
  readonly needs: readonly number[];
}

/** Where a base or a `--from` comes from. */
export type Origin =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'named-context'; readonly name: string }
  /** The build context itself (`--mount=type=bind` without `from`). */
  | { readonly kind: 'context' };
