/**
 * The shape of a command module (see program.ts for how to add one) and how its flags reach it: argv.ts reads the
 * words, flag-set.ts holds the declarations, defaults and conversions.
 */
import { CtrError } from '../base/ctr-error.ts';
import { type FlagSpec, parseArgv, type Setting } from './argv.ts';
import type { Context } from './context.ts';
import { type Flag, type FlagSet, MentionedFlags, mentionedNames } from './flag-set.ts';

export interface CommandSpec<Flags extends object = object> {
  /** What follows the command's name: `[options] IMAGE [COMMAND [ARG...]]`. */
  readonly usage: string;
  /** More than the one-line summary of program.ts, for --help. */
  readonly description?: string;
  /** Two or three command lines, without the program's name. */
  readonly examples: readonly string[];
  /** How many operands are taken: [at least, at most]. */
  readonly operands: readonly [least: number, most: number];
  /** Options end at the first operand; what follows belongs to the program in the container (run, exec, create). */
  readonly passThrough?: boolean;
  /** Declare the flags; a flag that may be repeated uses `collect`. */
  declare?(command: FlagSet): void;
  /** Returns the exit code. `flags` has a key for each flag that was given or has a default. */
  run(context: Context, operands: readonly string[], flags: Flags): number | Promise<number>;
}

/** For flags that may be repeated: `command.option('-e, --env <name=value>', '…', collect, [])`. */
export const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];

/** Flags that every command takes, before its name or after it. */
export const globalFlags = [
  { names: ['root'], takes: 'value', key: 'root', help: ['--root PATH', 'where images and containers are kept'] },
  { names: ['runroot'], takes: 'value', key: 'runroot', help: ['--runroot PATH', 'where locks and pids are kept'] },
  {
    names: ['storage-driver'],
    takes: 'value',
    key: 'storageDriver',
    help: ['--storage-driver NAME', 'overlay, fuse-overlayfs or vfs'],
  },
  {
    names: ['storage-opt'],
    takes: 'value',
    key: 'storageOpt',
    help: ['--storage-opt additionalimagestore=DIR', 'an image store that is only read (repeatable)'],
  },
  {
    names: ['log-level'],
    takes: 'value',
    key: 'logLevel',
    help: ['--log-level LEVEL', 'trace, debug, info, warn or error'],
  },
  {
    names: ['debug', 'D'],
    takes: 'nothing',
    key: 'debug',
    help: ['-D, --debug', 'log-level debug; show stack traces'],
  },
  { names: ['help', 'h'], takes: 'nothing', key: 'help', help: ['-h, --help', 'show this help'] },
] as const;

export type GlobalFlag = (typeof globalFlags)[number];
export type GlobalSetting = Setting<GlobalFlag>;

export interface Invocation {
  readonly globals: readonly GlobalSetting[];
  readonly operands: readonly string[];
  /** The command's option values; read it after `globals` said that no help is wanted. */
  flags(): object;
}

/** Read a command's argument list. Throws a usage error that names what cannot be read. */
export function readInvocation(spec: CommandSpec, argv: readonly string[]): Invocation {
  const declared = new MentionedFlags(mentionedNames(argv));
  spec.declare?.(declared);
  const taken = new Set(declared.flags.flatMap(({ names }) => names));
  const globals = globalFlags.map((flag) => ({ ...flag, names: flag.names.filter((name) => !taken.has(name)) }));
  const known = [...globals, ...declared.flags];
  const parsed = parseArgv<Flag | (typeof globals)[number]>(argv, known, spec.passThrough ?? false);
  return {
    globals: parsed.settings.flatMap(({ flag, value }) => {
      const global = 'help' in flag ? globalFlags.find(({ key }) => key === flag.key) : undefined;
      return global ? [{ flag: global, value }] : [];
    }),
    operands: parsed.operands,
    flags: () => {
      checkOperands(spec, parsed.operands);
      return valuesOf(declared, parsed.settings);
    },
  };
}

/** The defaults, and over them what was given. */
function valuesOf(
  declared: MentionedFlags,
  settings: ReadonlyArray<Setting<Flag | (FlagSpec & { readonly help: unknown })>>,
): object {
  const values: Record<string, unknown> = { ...declared.defaults };
  for (const { flag, value } of settings) {
    if ('help' in flag) continue;
    if (flag.takes === 'nothing') values[flag.key] = (value === true) !== flag.isNegated;
    else if (typeof value !== 'string') values[flag.key] = true;
    else values[flag.key] = flag.convert ? flag.convert(value, values[flag.key]) : value;
  }
  return values;
}

function checkOperands(spec: CommandSpec, operands: readonly string[]): void {
  const [least, most] = spec.operands;
  const count = (number: number) => `${number} argument${number === 1 ? '' : 's'}`;
  if (operands.length < least) {
    const wanted = least === most ? `exactly ${count(least)}` : `at least ${count(least)}`;
    throw new CtrError('USAGE', `requires ${wanted}, got ${operands.length}`);
  }
  if (operands.length > most) {
    const allowed = most === 0 ? 'no arguments' : `at most ${count(most)}`;
    throw new CtrError('USAGE', `takes ${allowed}, got ${operands.length}: ${operands[most]}`);
  }
}
