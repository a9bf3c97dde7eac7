import { mountContainer, mountedContainers } from '../engine/mount.ts';
import { listContainers, resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';

interface MountFlags {
  readonly all?: boolean;
}

export const command: CommandSpec<MountFlags> = {
  usage: '[options] [CONTAINER...]',
  description: 'Mounts the root file systems of containers and prints where; without CONTAINER lists what is mounted.',
  examples: ['unshare sh -c \'ls "$(ctr mount web)"\'', 'mount --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command.option('-a, --all', 'all containers');
  },
  run({ host, stdout }, operands, { all }) {
    if (!all && operands.length === 0) {
      stdout.write(
        mountedContainers(host)
          .map(({ container, path }) => `${container.id} ${path}\n`)
          .join(''),
      );
      return 0;
    }
    const containers = all ? listContainers(host).containers : operands.map((name) => resolveContainer(host, name));
    for (const container of containers) {
      const path = mountContainer(host, container);
      stdout.write(containers.length === 1 ? `${path}\n` : `${container.id} ${path}\n`);
    }
    return 0;
  },
};
