import { mountContainer, mountedContainers } from '../engine/mount.ts';
import { listContainers } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import { namedContainers } from './container-operands.ts';
import { flagError } from './flags/flag-error.ts';
import { indentedJson } from './output/format.ts';

interface MountFlags {
  readonly all?: boolean;
  readonly latest?: boolean;
  readonly format?: string;
  /** False with --no-trunc. */
  readonly trunc: boolean;
}

export const command: CommandSpec<MountFlags> = {
  usage: '[options] [CONTAINER...]',
  description: 'Mounts the root file systems of containers and prints where; without CONTAINER lists what is mounted.',
  examples: ['unshare sh -c \'ls "$(ctr mount web)"\'', 'mount --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all', 'all containers')
      .option('-l, --latest', 'the container that was made last')
      .option('--format <format>', 'json, for the list of what is mounted')
      .option('--no-trunc', 'show whole IDs (the default)');
  },
  run(context, operands, flags) {
    const { host, stdout } = context;
    if (!flags.all && !flags.latest && operands.length === 0) {
      stdout.write(listOf(mountedContainers(host), flags));
      return 0;
    }
    const containers = flags.all ? listContainers(host).containers : namedContainers(context, operands, flags);
    for (const container of containers) {
      const path = mountContainer(host, container);
      stdout.write(containers.length === 1 ? `${path}\n` : `${container.id} ${path}\n`);
    }
    return 0;
  },
};

type Mounted = ReturnType<typeof mountedContainers>;

function listOf(mounted: Mounted, { format }: MountFlags): string {
  if (format === undefined) return mounted.map(({ container, path }) => `${container.id} ${path}\n`).join('');
  if (format !== 'json') throw flagError('--format', format, 'want json');
  const rows = mounted.map(({ container, path }) => ({
    id: container.id,
    Names: [container.name],
    Image: container.imageName ?? '',
    mountpoint: path,
  }));
  return indentedJson(rows);
}
