/** From an argument list to a running command: global flags, the command's name, its flags, its action. */
import { CtrError } from '../base/ctr-error.ts';
import { createHost } from '../base/host.ts';
import { createLog, type LogLevel, logLevels } from '../base/log.ts';
import { version } from '../base/version.ts';
import { configuredStores } from '../storage/config-file.ts';
import { parseArgv } from './argv.ts';
import { type GlobalSetting, globalFlags, readInvocation } from './command.ts';
import type { CommandEntry } from './command-entry.ts';
import { type Context, contextFor, type Output } from './context.ts';
import { everyDayCommands } from './program-every-day.ts';

export interface Streams {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Set once the flags are read, for whoever reports an error: --debug among the container's own words is not ours. */
  debug?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Run the command that `argv` names; returns its exit code. Throws what the command throws. */
export async function dispatch(argv: readonly string[], env: Environment, streams: Streams): Promise<number> {
  const versionFlag = { names: ['version', 'v'], takes: 'nothing' } as const;
  const before = parseArgv([...argv], [...globalFlags, versionFlag], true);
  const globals = before.settings.flatMap(({ flag, value }) => ('key' in flag ? [{ flag, value }] : []));
  if (before.settings.some(({ flag }) => flag === versionFlag)) {
    streams.stdout.write(`${env.CTR_PROGRAM_NAME || 'ctr'} version ${version}\n`);
    return 0;
  }
  const words = before.operands;
  const entry = await findCommand(words);
  if (entry === undefined) {
    const { helpForWords } = await import('./help.ts');
    return helpForWords(words, isOn(globals, 'help'), contextOf('help', globals, env, streams));
  }
  return runCommand(entry, words, globals, env, streams);
}

async function runCommand(
  { entry, used }: FoundCommand,
  words: readonly string[],
  before: readonly GlobalSetting[],
  env: Environment,
  streams: Streams,
): Promise<number> {
  const { command: spec } = await entry.load();
  const name = words.slice(0, used).join(' ');
  try {
    const invocation = readInvocation(spec, words.slice(used));
    const globals = [...before, ...invocation.globals];
    const context = contextOf(name, globals, env, streams);
    if (isOn(globals, 'help')) {
      const { commandHelp } = await import('./help.ts');
      context.stdout.write(commandHelp(entry, spec, context.programName));
      return 0;
    }
    const flags = invocation.flags();
    return await spec.run(await withConfiguredStores(context), invocation.operands, flags);
  } catch (error) {
    throw withUsageHint(await withReason(error, entry.name), `${env.CTR_PROGRAM_NAME || 'ctr'} ${name} --help`);
  }
}

export interface FoundCommand {
  readonly entry: CommandEntry;
  /** How many words its name took. */
  readonly used: number;
}

/** The command that the first words name: the longest name wins. */
export async function findCommand(words: readonly string[]): Promise<FoundCommand | undefined> {
  return findIn(everyDayCommands, words.slice(0, 1)) ?? findIn((await import('./program.ts')).commands, words);
}

function findIn(commands: readonly CommandEntry[], words: readonly string[]): FoundCommand | undefined {
  for (let used = Math.min(3, words.length); used > 0; used--) {
    const name = words.slice(0, used).join(' ');
    const entry = commands.find((each) => each.name === name || each.also.includes(name));
    if (entry !== undefined) return { entry, used };
  }
  return undefined;
}

function contextOf(
  commandName: string,
  globals: readonly GlobalSetting[],
  env: Environment,
  streams: Streams,
): Context {
  const all = (key: GlobalSetting['flag']['key']) =>
    globals.flatMap(({ flag, value }) => (flag.key === key && typeof value === 'string' ? [value] : []));
  const text = (key: GlobalSetting['flag']['key']) => all(key).at(-1);
  const debug = isOn(globals, 'debug');
  const level = debug ? 'debug' : levelFrom(text('logLevel') ?? env.CTR_LOG_LEVEL ?? 'warn');
  streams.debug = level === 'debug';
  const log = createLog(level, (line) => streams.stderr.write(line));
  const host = createHost({
    env,
    log,
    root: text('root') ?? env.CTR_ROOT,
    runroot: text('runroot') ?? env.CTR_RUNROOT,
    storageDriver: text('storageDriver'),
    additionalStores: [...all('storageOpt').map(storeFrom), ...storesOf(env)],
  });
  return contextFor(host, { commandName, stdout: streams.stdout, stderr: streams.stderr, debug });
}

/** The option of containers-storage.conf(5) that has a meaning here. */
function storeFrom(option: string): string {
  const path = /^additionalimagestore=(\/.*)$/.exec(option)?.[1];
  if (path !== undefined) return path;
  throw new CtrError('USAGE', `--storage-opt ${option}: want additionalimagestore=/PATH of another data root of ctr`);
}

function storesOf({ CTR_ADDITIONAL_STORES: text = '' }: Environment): string[] {
  const stores = text.split(':').filter((path) => path !== '');
  if (stores.every((path) => path.startsWith('/'))) return stores;
  throw new CtrError('USAGE', `CTR_ADDITIONAL_STORES=${text}: want absolute paths, separated by colons`);
}

/** Those of ctr.toml come last. */
async function withConfiguredStores(context: Context): Promise<Context> {
  const { host } = context;
  const configured = await configuredStores(host);
  if (configured.length === 0) return context;
  return { ...context, host: { ...host, additionalStores: [...host.additionalStores, ...configured] } };
}

const isOn = (globals: readonly GlobalSetting[], key: 'debug' | 'help') =>
  globals.findLast(({ flag }) => flag.key === key)?.value === true;

/** Podman's names (`warning`, `fatal`, `panic`) are taken too. */
function levelFrom(text: string): LogLevel {
  const name = text.toLowerCase();
  const level = name === 'warning' ? 'warn' : name === 'fatal' || name === 'panic' ? 'error' : name;
  const known = logLevels.find((each) => each === level);
  if (known === undefined) throw new CtrError('USAGE', `log level ${text} is not one of ${logLevels.join(', ')}`);
  return known;
}

/** A flag of Docker's or Podman's that has no place here is refused with the reason. */
async function withReason(error: unknown, command: string): Promise<unknown> {
  if (!(error instanceof CtrError && error.code === 'USAGE' && /^unknown (shorthand )?flag/.test(error.message)))
    return error;
  const { explainUnknownFlag } = await import('./flags/refusal-reasons.ts');
  return explainUnknownFlag(command, error);
}

/** A mistake in the arguments points to the command's help. */
function withUsageHint(error: unknown, help: string): unknown {
  if (!(error instanceof CtrError) || error.code !== 'USAGE' || error.hint !== undefined) return error;
  return new CtrError('USAGE', error.message, {
    hint: `see \`${help}\``,
    cause: error.cause,
    exitCode: error.exitCode,
  });
}
