/** `--filter` of the commands that delete: until, label, label!. */
import { parseFilters } from '../filter.ts';
import { parseTime } from './time.ts';

export interface PruneFilter {
  readonly untilMs?: number;
  readonly labels: readonly string[];
  readonly withoutLabels: readonly string[];
}

/** `label!=key` is a filter whose key ends in an exclamation mark. */
export function parsePruneFilters(texts: readonly string[], now: Date): PruneFilter {
  const filters = parseFilters(texts, ['until', 'label', 'label!']);
  const until = filters.get('until')?.at(-1);
  return {
    ...(until === undefined ? {} : { untilMs: parseTime('filter until', until, now) }),
    labels: filters.get('label') ?? [],
    withoutLabels: filters.get('label!') ?? [],
  };
}
