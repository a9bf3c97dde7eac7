/**
 * A commander command for one known argument list: flags that the list does not mention leave their default and nothing
 * else. `run` has 150 flags, and to declare them all takes 8 ms of every start.
 */
import { Command } from 'commander';

/** The names that may be flags in `argv`: long ones, and every letter of a word that begins with one dash. */
export function mentionedNames(argv: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const word of argv) {
    if (word.startsWith('--')) names.add(word.slice(2).split('=', 1)[0] ?? '');
    else if (word.startsWith('-')) for (const letter of word.slice(1)) names.add(letter);
  }
  return names;
}

export class PartialCommand extends Command {
  readonly #mentioned: ReadonlySet<string>;

  constructor(name: string, mentioned: ReadonlySet<string>) {
    super(name);
    this.#mentioned = mentioned;
    const declare = this.option.bind(this) as (...args: readonly unknown[]) => this;
    const partial = (flags: string, ...rest: readonly unknown[]): this => {
      if (this.mentions(flags)) return declare(flags, ...rest);
      const [, parseOrDefault, afterParser] = rest;
      const value = typeof parseOrDefault === 'function' ? afterParser : parseOrDefault;
      if (value !== undefined) this.setOptionValueWithSource(attributeOf(flags), value, 'default');
      return this;
    };
    this.option = partial as typeof this.option;
  }

  /** A `--no-` flag changes the default of its positive: it is always declared. */
  mentions(flags: string): boolean {
    return flags.includes('--no-') || namesIn(flags).some((name) => this.#mentioned.has(name));
  }
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

/** The key of a flag's value, as commander makes it: the long name in camel case, without a leading `no-`. */
export function attributeOf(flags: string): string {
  const name = (namesIn(flags).at(-1) ?? '').replace(/^no-/, '');
  return name.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());
}
