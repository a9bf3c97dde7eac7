/**
 * What a command declares its flags to. commander's `Command` is one, and writes the help pages; MentionedFlags is one
 * for a single argument list, because `run` has 150 flags and to declare them all takes 8 ms of every start.
 */
import type { FlagSpec } from './argv.ts';

/** `previous`: what an earlier use of the same flag made, else the default. */
export type Convert<T> = (text: string, previous: T) => T;

export interface FlagSet {
  /** `-e, --env <name=value>`: `<>` a value, `[]` perhaps a value, nothing a boolean; `--no-x` switches x off. */
  option(flags: string, description: string, initial?: string | boolean | readonly string[]): this;
  option<T>(flags: string, description: string, convert: Convert<T>, initial?: T): this;
  /** The heading of the flags that follow, in --help. */
  optionsGroup(heading: string): this;
  /** A flag that --help does not show; another one of the same name wins. */
  hidden(flags: string): this;
}

export interface Flag extends FlagSpec {
  /** The key of its value: the long name in camel case, without a leading `no-`. */
  readonly key: string;
  readonly isNegated: boolean;
  readonly convert?: Convert<unknown> | undefined;
}

/** Read the first argument of `option`. */
export function parseFlag(flags: string): Flag {
  const names = namesIn(flags);
  const long = names.at(-1) ?? '';
  const takes = flags.includes('<') ? 'value' : flags.includes('[') ? 'maybe' : 'nothing';
  return { names, takes, key: keyOf(long), isNegated: long.startsWith('no-') };
}

/** `-e, --env <name=value>` → e, env. */
function namesIn(flags: string): string[] {
  const names: string[] = [];
  for (const word of flags.split(/[ ,]+/)) {
    if (!word.startsWith('-')) break;
    names.push(word.startsWith('--') ? word.slice(2) : word.slice(1));
  }
  return names;
}

/** The last name in `-e, --env <name=value>`, a long one, without taking the words apart. */
function longNameIn(flags: string): string {
  const value = flags.search(/ [<[]/);
  const names = value < 0 ? flags : flags.slice(0, value);
  return names.slice(names.lastIndexOf('--') + 2);
}

function keyOf(long: string): string {
  return long.replace(/^no-/, '').replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());
}

/** The names that may be flags in `argv`: long ones, and every letter of a word that begins with one dash. */
export function mentionedNames(argv: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const word of argv) {
    if (word.startsWith('--')) names.add(word.slice(2).split('=', 1)[0] ?? '');
    else if (word.startsWith('-')) for (const letter of word.slice(1)) names.add(letter);
  }
  return names;
}

/** The flags that `mentioned` names; the others leave their default and nothing else. */
export class MentionedFlags implements FlagSet {
  readonly flags: Flag[] = [];
  readonly defaults: Record<string, unknown> = {};
  readonly #mentioned: ReadonlySet<string>;

  constructor(mentioned: ReadonlySet<string>) {
    this.#mentioned = mentioned;
  }

  option(flags: string, _description: string, ...rest: readonly unknown[]): this {
    const [convertOrInitial, afterConvert] = rest;
    const convert = typeof convertOrInitial === 'function' ? (convertOrInitial as Convert<unknown>) : undefined;
    const initial = convert ? afterConvert : convertOrInitial;
    if (!this.#mayMention(flags)) {
      if (initial !== undefined) this.defaults[keyOf(longNameIn(flags))] = initial;
      if (!flags.includes('--no-')) return this;
    }
    const flag = parseFlag(flags);
    if (initial !== undefined) this.defaults[flag.key] = initial;
    // Without its positive, a `--no-x` makes x true until it is used.
    else if (flag.isNegated) this.defaults[flag.key] ??= true;
    if (this.#mentions(flag)) this.flags.push({ ...flag, convert });
    return this;
  }

  optionsGroup(): this {
    return this;
  }

  hidden(flags: string): this {
    if (!this.#mayMention(flags)) return this;
    const flag = parseFlag(flags);
    const isTaken = this.flags.some(({ names }) => names.some((name) => flag.names.includes(name)));
    if (this.#mentions(flag) && !isTaken) this.flags.push(flag);
    return this;
  }

  /** A quick look before the words are taken apart. */
  #mayMention(flags: string): boolean {
    for (const name of this.#mentioned) if (flags.includes(name)) return true;
    return false;
  }

  #mentions({ names }: Flag): boolean {
    return names.some((name) => this.#mentioned.has(name));
  }
}
