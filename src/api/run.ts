/** Containers: one that is waited for, one that lives on, those that there are. */
import { flagsFrom } from './arguments.ts';
import { Container } from './container.ts';
import { type ContainerOptions, splitContainerOptions } from './container-options.ts';
import { type InvokeOptions, invoke, invokeForText, type Outcome } from './invoke.ts';

/**
 * Run `command` (absent: the image's own) in a new container and wait for it; the container is removed. Rejects with a
 * CtrError when the container cannot be started: `COMMAND_NOT_FOUND`, `NOT_EXECUTABLE`, …
 */
export function run(image: string, command: readonly string[] = [], options: ContainerOptions = {}): Promise<Outcome> {
  const { flags, invoke: invoking } = splitContainerOptions(options);
  const stdin = options.input === undefined ? [] : ['--interactive'];
  return invoke(['run', '--rm', '--quiet', ...stdin, ...flags, image, ...command], invoking);
}

/** Start a container and leave it running. With `await using` it is removed at the end of the block. */
export async function start(
  image: string,
  command: readonly string[] = [],
  options: ContainerOptions = {},
): Promise<Container> {
  const { flags, invoke: invoking } = splitContainerOptions(options);
  const id = await invokeForText(['run', '--detach', '--quiet', ...flags, image, ...command], invoking);
  return new Container(id, invoking);
}

/** Podman's field names. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly State: string;
  readonly Status: string;
  readonly ExitCode: number;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface ListOptions extends InvokeOptions {
  /** Also those that do not run. */
  readonly all?: boolean;
  /** `{ label: 'test=1', status: 'exited' }`. */
  readonly filter?: Readonly<Record<string, string>>;
}

export async function containers({ all, filter, ...invoking }: ListOptions = {}): Promise<ContainerSummary[]> {
  const flags = flagsFrom({ all, filter, format: 'json' });
  return JSON.parse(await invokeForText(['ps', ...flags], invoking)) as ContainerSummary[];
}
