/** A step as whoever watches the build sees it. */
import type { BuildStepInfo } from './build-events.ts';
import type { Build } from './build-state.ts';

/** Says that a step begins, and how it ended. `isCached` of what `work` returns makes it a cached one. */
export async function watched<T extends { readonly isCached?: boolean }>(
  { watch, steps, signal }: Build,
  step: Omit<BuildStepInfo, 'id'>,
  work: (info: BuildStepInfo) => Promise<T>,
): Promise<T> {
  const info = { id: ++steps.count, ...step };
  const began = performance.now();
  watch.began(info);
  try {
    const made = await work(info);
    watch.ended(info, made.isCached ? 'cached' : 'done', performance.now() - began);
    return made;
  } catch (error) {
    watch.ended(info, signal.aborted ? 'canceled' : 'failed', performance.now() - began);
    throw error;
  }
}
