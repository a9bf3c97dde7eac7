/** The instructions that change only the configuration (image-spec config.md; Dockerfile reference). Pure. */
import { posix } from 'node:path';
import { exposedPorts } from '../../build/expose.ts';
import type { Command, HealthcheckInstruction, Pair, StageInstruction } from '../../build/instruction.ts';
import type { ContainerDefaults, Healthcheck } from '../../oci/image-config.ts';

export const defaultShell: readonly string[] = ['/bin/sh', '-c'];

export function changeDefaults(
  config: ContainerDefaults,
  instruction: StageInstruction,
  hasCommand: boolean,
): ContainerDefaults {
  switch (instruction.kind) {
    case 'env':
      return { ...config, Env: instruction.pairs.reduce(withVariable, config.Env ?? []) };
    case 'label':
      return { ...config, Labels: { ...config.Labels, ...Object.fromEntries(instruction.pairs.map(pairOf)) } };
    case 'expose':
      return { ...config, ExposedPorts: { ...config.ExposedPorts, ...keys(exposedPorts(instruction.ports)) } };
    case 'user':
      return { ...config, User: instruction.user };
    case 'workdir':
      return { ...config, WorkingDir: posix.resolve(config.WorkingDir || '/', instruction.path) };
    case 'volume':
      return { ...config, Volumes: { ...config.Volumes, ...keys(instruction.paths) } };
    case 'cmd':
      return { ...config, Cmd: wordsOf(instruction.command, config) };
    case 'entrypoint': {
      // The base image's command was meant for the base image's entrypoint.
      const { Cmd, ...rest } = config;
      const kept = hasCommand && Cmd !== undefined ? { Cmd } : {};
      return { ...rest, ...kept, Entrypoint: wordsOf(instruction.command, config) };
    }
    case 'shell':
      return { ...config, Shell: instruction.words };
    case 'stopsignal':
      return { ...config, StopSignal: instruction.signal };
    case 'healthcheck':
      return { ...config, Healthcheck: healthcheckOf(instruction, config) };
    case 'onbuild':
      return { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.trigger] };
    case 'arg':
    case 'run':
    case 'copy':
    case 'add':
    case 'maintainer':
      return config;
    default:
      return instruction satisfies never;
  }
}

const pairOf = ({ key, value }: Pair) => [key, value] as const;
const keys = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));

function withVariable(env: readonly string[], { key, value }: Pair): readonly string[] {
  const index = env.findIndex((entry) => entry.startsWith(`${key}=`));
  return index < 0 ? [...env, `${key}=${value}`] : env.with(index, `${key}=${value}`);
}

/** What is executed: the words, or the line by the SHELL. */
export function wordsOf(command: Command, { Shell }: ContainerDefaults): readonly string[] {
  if (command.form === 'exec') return command.words;
  return [...(Shell ?? defaultShell), command.form === 'shell' ? command.line : `/dev/pipes/${command.name}`];
}

function healthcheckOf(instruction: HealthcheckInstruction, config: ContainerDefaults): Healthcheck {
  const { command, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries } = instruction;
  if (!command) return { Test: ['NONE'] };
  const test = command.form === 'shell' ? ['CMD-SHELL', command.line] : ['CMD', ...wordsOf(command, config)];
  return {
    Test: test,
    ...(intervalNs === undefined ? {} : { Interval: intervalNs }),
    ...(timeoutNs === undefined ? {} : { Timeout: timeoutNs }),
    ...(startPeriodNs === undefined ? {} : { StartPeriod: startPeriodNs }),
    ...(startIntervalNs === undefined ? {} : { StartInterval: startIntervalNs }),
    ...(retries === undefined ? {} : { Retries: retries }),
  };
}
