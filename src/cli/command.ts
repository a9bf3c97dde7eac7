/**
 * The shape of a command module (see program.ts for how to add one) and how its flags reach it: argv.ts reads the
 * words, commander holds the declarations, defaults and conversions.
 */
import { Command, type Option } from 'commander';
import { CtrError } from '../base/ctr-error.ts';
import { type FlagSpec, parseArgv, type Setting } from './argv.ts';
import type { Context } from './context.ts';
import { mentionedNames, PartialCommand } from './partial-command.ts';

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
  declare?(command: Command): void;
  /** Returns the exit code. `flags` are commander's option values. */
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

interface CommandFlag extends FlagSpec {
  readonly option: Option;
}

export interface Invocation {
  readonly globals: readonly GlobalSetting[];
  readonly operands: readonly string[];
  /** The command's option values; read it after `globals` said that no help is wanted. */
  flags(): object;
}

/** The commander command that holds a spec's flags; for `argv`, when given, and no other argument list. */
export function declarationOf(name: string, spec: CommandSpec, argv?: readonly string[]): Command {
  const empty = argv ? new PartialCommand(name, mentionedNames(argv)) : new Command(name);
  const command = empty.exitOverride().helpOption(false).allowExcessArguments(true);
  command.configureOutput({ writeErr: () => {}, writeOut: () => {} });
  spec.declare?.(command);
  return command;
}

/** Read a command's argument list. */
export function readInvocation(command: Command, spec: CommandSpec, argv: readonly string[]): Invocation {
  const own: CommandFlag[] = command.options.map((option) => ({
    option,
    names: namesOf(option),
    takes: takenBy(option),
  }));
  const taken = new Set(own.flatMap(({ names }) => names));
  const globals = globalFlags.map((flag) => ({ ...flag, names: flag.names.filter((name) => !taken.has(name)) }));
  const parsed = parseArgv<CommandFlag | (typeof globals)[number]>(
    argv,
    [...globals, ...own],
    spec.passThrough ?? false,
  );
  return {
    globals: parsed.settings.flatMap(({ flag, value }) => {
      const global = 'key' in flag ? globalFlags.find(({ key }) => key === flag.key) : undefined;
      return global ? [{ flag: global, value }] : [];
    }),
    operands: parsed.operands,
    flags: () => {
      checkOperands(spec, parsed.operands);
      return apply(command, parsed.settings);
    },
  };
}

/** Hand the settings to commander in the one spelling that means the same to both, and booleans directly. */
function apply(command: Command, settings: ReadonlyArray<Setting<FlagSpec & { readonly option?: Option }>>): object {
  const words = settings.flatMap(({ flag, value }) => {
    if (flag.option === undefined || flag.takes === 'nothing') return [];
    return [value === undefined ? `${flag.option.long}` : `${flag.option.long}=${value}`];
  });
  command.parse([...words, '--'], { from: 'user' });
  for (const { flag, value } of settings) {
    if (flag.option === undefined || flag.takes !== 'nothing') continue;
    command.setOptionValueWithSource(flag.option.attributeName(), (value === true) !== flag.option.negate, 'cli');
  }
  return command.opts<object>();
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

const namesOf = (option: Option): string[] =>
  [option.short, option.long].flatMap((name) => (name ? [name.replace(/^--?/, '')] : []));

const takenBy = (option: Option): FlagSpec['takes'] =>
  option.required ? 'value' : option.optional ? 'maybe' : 'nothing';
