/**
 * What an expanded instruction does to the image's configuration (image-spec config.md, with Docker's additions), and
 * the line that it leaves in the history. RUN, COPY, ADD and ARG change nothing here.
 */
import type { ContainerDefaults, Healthcheck } from '../oci/image-config.ts';
import { exposedPorts } from './expose.ts';
import type { Command, HealthcheckInstruction, Pair, StageInstruction } from './instruction.ts';

export interface StageConfig {
  readonly config: ContainerDefaults;
  readonly author?: string | undefined;
  /** Whether this stage has a CMD of its own: ENTRYPOINT takes away an inherited one only. */
  readonly hasOwnCmd: boolean;
}

export const defaultShell: readonly string[] = ['/bin/sh', '-c'];

export function applyToConfig(stage: StageConfig, instruction: StageInstruction): StageConfig {
  const { config } = stage;
  const changed = (change: Partial<ContainerDefaults>): StageConfig => ({ ...stage, config: { ...config, ...change } });
  switch (instruction.kind) {
    case 'env':
      return changed({ Env: instruction.pairs.reduce(withVariable, config.Env ?? []) });
    case 'label':
      return changed({ Labels: { ...config.Labels, ...fromPairs(instruction.pairs) } });
    case 'expose':
      return changed({ ExposedPorts: { ...config.ExposedPorts, ...keys(exposedPorts(instruction.ports)) } });
    case 'volume':
      return changed({ Volumes: { ...config.Volumes, ...keys(instruction.paths) } });
    case 'user':
      return changed({ User: instruction.user });
    case 'workdir':
      return changed({ WorkingDir: workdirAfter(config.WorkingDir, instruction.path) });
    case 'stopsignal':
      return changed({ StopSignal: instruction.signal });
    case 'shell':
      return changed({ Shell: instruction.words });
    case 'cmd':
      return { ...changed({ Cmd: commandWords(instruction.command, config.Shell) }), hasOwnCmd: true };
    case 'entrypoint': {
      const { Cmd, ...rest } = config;
      const kept = stage.hasOwnCmd && Cmd !== undefined ? { Cmd } : {};
      return { ...stage, config: { ...rest, ...kept, Entrypoint: commandWords(instruction.command, config.Shell) } };
    }
    case 'healthcheck':
      return changed({ Healthcheck: healthcheckOf(instruction) });
    case 'onbuild':
      return changed({ OnBuild: [...(config.OnBuild ?? []), instruction.trigger] });
    case 'maintainer':
      return { ...stage, author: instruction.name };
    case 'run':
    case 'copy':
    case 'add':
    case 'arg':
      return stage;
    default:
      return instruction satisfies never;
  }
}

/** The words that are executed: the shell form is one argument of SHELL. */
export function commandWords(command: Command, shell: readonly string[] = defaultShell): readonly string[] {
  if (command.form === 'exec') return command.words;
  return [...shell, command.form === 'shell' ? command.line : command.name];
}

/** A relative path is relative to the WORKDIR before; the result is clean and absolute. */
export function workdirAfter(before: string | undefined, path: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith('/') ? '' : (before ?? '/')}/${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** A variable that is set again keeps its place in the list. */
function withVariable(env: readonly string[], { key, value }: Pair): readonly string[] {
  const entry = `${key}=${value}`;
  const at = env.findIndex((each) => each.startsWith(`${key}=`));
  return at < 0 ? [...env, entry] : env.with(at, entry);
}

function healthcheckOf({ command, ...times }: HealthcheckInstruction): Healthcheck {
  if (command === undefined) return { Test: ['NONE'] };
  const { intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries } = times;
  const isExec = command.form === 'exec';
  return {
    Test: isExec ? ['CMD', ...command.words] : ['CMD-SHELL', ...commandWords(command, [])],
    ...(intervalNs === undefined ? {} : { Interval: intervalNs }),
    ...(timeoutNs === undefined ? {} : { Timeout: timeoutNs }),
    ...(startPeriodNs === undefined ? {} : { StartPeriod: startPeriodNs }),
    ...(startIntervalNs === undefined ? {} : { StartInterval: startIntervalNs }),
    ...(retries === undefined ? {} : { Retries: retries }),
  };
}

const keys = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));
const fromPairs = (pairs: readonly Pair[]) => Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
