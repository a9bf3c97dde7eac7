/** Which flags an instruction takes, and their values. */
import { suggest } from '../base/suggest.ts';
import type { LogicalLine } from './logical-line.ts';
import type { Flag } from './split-flags.ts';
import type { Token } from './words.ts';

/** What kinds of flags an instruction takes: each at most once, but for lists. */
export type FlagKinds = Readonly<Record<string, 'string' | 'boolean' | 'list'>>;

export interface FlagValues {
  string(name: string): string | undefined;
  boolean(name: string): boolean | undefined;
  list(name: string): readonly string[];
  /** Where a flag stands, for errors about its value. */
  token(name: string, index?: number): Token | undefined;
}

export function checkFlags(line: LogicalLine, flags: readonly Flag[], kinds: FlagKinds, keyword: string): FlagValues {
  const byName = new Map<string, Flag[]>();
  for (const flag of flags) {
    const kind = Object.hasOwn(kinds, flag.name) ? kinds[flag.name] : undefined;
    if (kind === undefined) throw unknownFlag(line, flag, kinds, keyword);
    const earlier = byName.get(flag.name) ?? [];
    if (earlier.length > 0 && kind !== 'list') throw line.error(`--${flag.name} is given twice`, flag);
    if (kind !== 'boolean' && flag.value === undefined) throw line.error(`--${flag.name} needs a value`, flag);
    if (kind === 'boolean' && !['true', 'false', undefined].includes(flag.value?.toLowerCase())) {
      throw line.error(`--${flag.name} is true or false, not ${JSON.stringify(flag.value)}`, flag);
    }
    byName.set(flag.name, [...earlier, flag]);
  }
  const first = (name: string) => byName.get(name)?.[0];
  return {
    string: (name) => first(name)?.value,
    boolean: (name) => (first(name) === undefined ? undefined : first(name)?.value?.toLowerCase() !== 'false'),
    list: (name) => (byName.get(name) ?? []).map(({ value }) => value ?? ''),
    token: (name, index = 0) => byName.get(name)?.[index],
  };
}

function unknownFlag(line: LogicalLine, flag: Flag, kinds: FlagKinds, keyword: string): Error {
  const names = Object.keys(kinds);
  const near = suggest(flag.name, names).map((name) => `--${name}`);
  const all =
    names.length === 0 ? `${keyword} takes no flags` : `its flags are ${names.map((n) => `--${n}`).join(', ')}`;
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : all;
  return line.error(`${keyword} has no flag --${flag.name}`, flag, hint);
}
