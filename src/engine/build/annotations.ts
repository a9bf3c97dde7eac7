/** `--annotation`: which of them a document gets. */
import type { BuildAnnotation, BuildRequest } from './build-request.ts';

/** Undefined: none. */
export function annotationsAt(
  { annotations }: BuildRequest,
  place: BuildAnnotation['place'],
  platform?: string,
): Record<string, string> | undefined {
  const fitting = annotations.filter((one) => {
    return one.place === place && (one.platform === undefined || one.platform === platform);
  });
  return fitting.length === 0 ? undefined : Object.fromEntries(fitting.map(({ key, value }) => [key, value]));
}
