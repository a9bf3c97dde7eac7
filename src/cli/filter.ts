/** `--filter key=value`, as lists take it: one key may be given more than once. */
import { CtrError } from '../base/ctr-error.ts';

export type Filters = ReadonlyMap<string, readonly string[]>;

/** Throws when a filter is not `key=value` or its key is not one of `known`. */
export function parseFilters(filters: readonly string[], known: readonly string[]): Filters {
  const parsed = filters.map((text) => {
    const equals = text.indexOf('=');
    if (equals === -1) throw new CtrError('USAGE', `invalid filter "${text}": want key=value`);
    const key = text.slice(0, equals);
    if (!known.includes(key)) {
      throw new CtrError('USAGE', `invalid filter "${key}"`, { hint: `filters are ${known.join(', ')}` });
    }
    return { key, value: text.slice(equals + 1) };
  });
  return new Map(
    [...Map.groupBy(parsed, ({ key }) => key)].map(([key, group]) => [key, group.map(({ value }) => value)]),
  );
}

/** A filter that is `true` or `false`; undefined when it was not given. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const text = filters.get(key)?.at(-1);
  if (text === undefined) return undefined;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new CtrError('USAGE', `invalid filter "${key}=${text}": want true or false`);
}
