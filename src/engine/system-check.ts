/** `ctr system check`: storage/check.ts with the means to delete what belongs to subordinate ids. */
import type { Host } from '../base/host.ts';
import { checkStore } from '../storage/check.ts';
import type { Problem } from '../storage/problem.ts';
import { removeTreeInside } from './user-namespace.ts';

export type { Problem } from '../storage/problem.ts';

export function checkSystem(
  host: Host,
  choice: { readonly repair: boolean; readonly quick: boolean },
): Promise<Problem[]> {
  return checkStore(host, { ...choice, removeTree: (path) => removeTreeInside(host, path) });
}
