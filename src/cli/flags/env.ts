/** -e, --env-file and their kin (podman-run(1) "Environment"). */

import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { type FlagContext, readFlagFile } from './flag-files.ts';
import { meaningfulLines, splitKeyValue } from './key-value.ts';

export interface EnvOptions {
  readonly env: readonly string[];
  readonly envFile: readonly string[];
  readonly envHost?: boolean;
}

export interface DefaultEnvOptions {
  readonly httpProxy: boolean;
  readonly unsetenv: readonly string[];
  readonly unsetenvAll?: boolean;
  readonly envMerge: readonly string[];
}

/** What `run`, `create` and `exec` share. */
export function addEnvFlags(command: FlagSet): void {
  command
    .optionsGroup('Environment:')
    .option('-e, --env <name=value>', 'set a variable; without =value take it from here; NAME* takes all', collect, [])
    .option('--env-file <file>', 'read variables from a file, one NAME=VALUE per line', collect, [])
    .option('--env-host', 'pass all variables from here');
}

/** What only a new container takes: its image's variables are the defaults. */
export function addDefaultEnvFlags(command: FlagSet): void {
  command
    .optionsGroup('Environment:')
    .option('--http-proxy', 'pass the proxy variables from here; on unless =false', true)
    .option('--unsetenv <name>', 'drop a variable of the image or the defaults', collect, [])
    .option('--unsetenv-all', 'drop all variables of the image and the defaults')
    .option('--env-merge <name=value>', 'set a variable by others of the image: PATH=/opt/bin:$PATH', collect, []);
}

/** `NAME=VALUE` in order of precedence, lowest first: the caller's, those of files, those of flags. */
export function parseEnv(options: EnvOptions, context: FlagContext): string[] {
  const fromFiles = options.envFile.flatMap((path) =>
    meaningfulLines(readFlagFile('--env-file', path, context)).flatMap((line) =>
      resolveEnv('--env-file', line, context.env),
    ),
  );
  return [
    ...(options.envHost ? pairs(context.env) : []),
    ...fromFiles,
    ...options.env.flatMap((word) => resolveEnv('--env', word, context.env)),
  ];
}

/** podman-run(1) --env-merge. */
export function parseEnvMerge({ envMerge }: DefaultEnvOptions): { envMerge?: readonly string[] } {
  const wrong = envMerge.find((word) => splitKeyValue(word)[1] === undefined || word.includes('\0'));
  if (wrong !== undefined) throw flagError('--env-merge', wrong, 'want NAME=VALUE, with $OTHER in the value');
  return envMerge.length > 0 ? { envMerge } : {};
}

/** The caller's proxy variables, in both spellings. */
export function proxyEnv(options: DefaultEnvOptions, env: FlagContext['env']): string[] {
  if (!options.httpProxy) return [];
  const names = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy'];
  return [...names, ...names.map((name) => name.toUpperCase())].flatMap((name) =>
    env[name] === undefined ? [] : [`${name}=${env[name]}`],
  );
}

function resolveEnv(flag: string, word: string, env: FlagContext['env']): string[] {
  const [name, value] = splitKeyValue(word);
  if (name === '' || name.includes('\0')) throw flagError(flag, word, 'want NAME=VALUE, or NAME to take it from here');
  if (value !== undefined) return [word];
  if (name.endsWith('*')) return pairs(env).filter((pair) => pair.startsWith(name.slice(0, -1)));
  return env[name] === undefined ? [] : [`${name}=${env[name]}`];
}

function pairs(env: FlagContext['env']): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}
