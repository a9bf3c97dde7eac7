import { CtrError } from '../base/ctr-error.ts';
import { mountedContainers, unmountContainer } from '../engine/mount.ts';
import { newestContainer } from '../engine/newest-container.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';

interface UnmountFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly latest?: boolean;
}

export const command: CommandSpec<UnmountFlags> = {
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Unmounts what `mount` mounted. All mounts end by themselves with the last program of `unshare`.',
  examples: ['unmount web', 'unmount --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all', 'all that are mounted')
      .option('-f, --force', 'also what is in use')
      .option('-l, --latest', 'the newest container');
  },
  run({ host, stdout }, operands, { all, force, latest }) {
    if (!all && !latest && operands.length === 0) throw new CtrError('USAGE', 'give a container, --all or --latest');
    const named = operands.map((name) => resolveContainer(host, name));
    const chosen = all
      ? mountedContainers(host).map(({ container }) => container)
      : latest
        ? [newestContainer(host)]
        : named;
    for (const container of chosen) {
      if (!unmountContainer(host, container, { force: force ?? false })) {
        throw new CtrError('STATE', `container ${container.name} is not mounted`);
      }
      stdout.write(`${container.id}\n`);
    }
    return 0;
  },
};
