/**
 * Reads an argument list the way Docker's and Podman's parser (pflag) does, which commander does not:
 * `--flag=false`, `-itd`, `-eKEY=V`, `-e=KEY`, `-p8080:80`, and options that end at the first operand.
 * Pure: flags come in as data, settings and operands go out; what a setting means is decided elsewhere.
 */
import { CtrError } from '../base/ctr-error.ts';

export interface FlagSpec {
  /** Names without dashes: `env` and `e`. */
  readonly names: readonly string[];
  /** `nothing`: a boolean; `maybe`: a value only after `=`; `value`: after `=` or as the next argument. */
  readonly takes: 'nothing' | 'maybe' | 'value';
}

export interface Setting<Flag extends FlagSpec = FlagSpec> {
  readonly flag: Flag;
  /** Absent for a `maybe` flag without `=`. */
  readonly value: string | boolean | undefined;
}

export interface ParsedArgv<Flag extends FlagSpec = FlagSpec> {
  readonly settings: ReadonlyArray<Setting<Flag>>;
  readonly operands: readonly string[];
}

/** Split `argv` into settings and operands; with `passThrough` everything from the first operand on is kept as it is. */
export function parseArgv<Flag extends FlagSpec>(
  argv: readonly string[],
  flags: readonly Flag[],
  passThrough: boolean,
): ParsedArgv<Flag> {
  const byName = new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  const settings: Array<Setting<Flag>> = [];
  const operands: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return { settings, operands: [...operands, ...rest] };
    if (word.startsWith('--')) settings.push(longSetting(word, byName, rest));
    else if (word.startsWith('-') && word !== '-') settings.push(...shortSettings(word, byName, rest));
    else if (passThrough) return { settings, operands: [word, ...rest] };
    else operands.push(word);
  }
  return { settings, operands };
}

function longSetting<Flag extends FlagSpec>(word: string, byName: Map<string, Flag>, rest: string[]): Setting<Flag> {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals === -1 ? undefined : equals);
  if (name === '' || name.startsWith('-')) throw usage(`bad flag syntax: ${word}`);
  const flag = name.length > 1 ? byName.get(name) : undefined;
  if (flag === undefined) throw usage(`unknown flag: --${name}`);
  if (equals !== -1) return { flag, value: valueFor(flag, `--${name}`, word.slice(equals + 1)) };
  return { flag, value: impliedValue(flag, rest, `--${name}`) };
}

function shortSettings<Flag extends FlagSpec>(
  word: string,
  byName: Map<string, Flag>,
  rest: string[],
): Array<Setting<Flag>> {
  const settings: Array<Setting<Flag>> = [];
  for (let letters = word.slice(1); letters !== ''; ) {
    const name = letters.charAt(0);
    const flag = byName.get(name);
    if (flag === undefined) throw usage(`unknown shorthand flag: '${name}' in -${letters}`);
    const after = letters.slice(1);
    if (after.startsWith('=')) {
      return [...settings, { flag, value: valueFor(flag, `-${name}`, after.slice(1)) }];
    }
    if (flag.takes === 'value' && after !== '') return [...settings, { flag, value: after }];
    settings.push({ flag, value: impliedValue(flag, rest, `'${name}' in -${letters}`) });
    letters = after;
  }
  return settings;
}

function impliedValue(flag: FlagSpec, rest: string[], shown: string): string | boolean | undefined {
  if (flag.takes === 'nothing') return true;
  if (flag.takes === 'maybe') return undefined;
  const value = rest.shift();
  if (value === undefined) throw usage(`flag needs an argument: ${shown}`);
  return value;
}

/** The spellings that Go's strconv.ParseBool takes. */
const booleans = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

function valueFor(flag: FlagSpec, shown: string, text: string): string | boolean {
  if (flag.takes !== 'nothing') return text;
  const value = booleans.get(text);
  if (value === undefined) throw usage(`invalid argument "${text}" for "${shown}" flag: want true or false`);
  return value;
}

function usage(message: string): CtrError {
  return new CtrError('USAGE', message);
}
