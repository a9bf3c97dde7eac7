import { copy } from '../engine/cp.ts';
import type { CommandSpec } from './command.ts';

interface CpFlags {
  readonly archive: boolean;
  readonly followLink?: boolean;
  readonly overwrite?: boolean;
  readonly quiet?: boolean;
}

export const command: CommandSpec<CpFlags> = {
  usage: '[options] CONTAINER:SOURCE DESTINATION | SOURCE CONTAINER:DESTINATION',
  description:
    'Copies files between a container, running or not, and here, or between two containers. `-` is a tar archive on ' +
    'standard input or output. DIRECTORY/. means its content.',
  examples: ['cp web:/etc/nginx ./conf', 'cp ./site/. web:/srv', 'cp web:/var/log - | tar t'],
  operands: [2, 2],
  declare(command) {
    command
      .option('-a, --archive', 'what goes into a container belongs to its user; on unless =false', true)
      .option('-L, --follow-link', 'copy what a symlink SOURCE points to')
      .option('--overwrite', 'let a directory take the place of a file, and the other way round')
      .option('-q, --quiet', 'accepted for Docker; no progress is shown anyway');
  },
  async run({ host }, [source = '', destination = ''], { archive, followLink, overwrite }) {
    await copy(host, {
      source,
      destination,
      archive,
      followLink: followLink ?? false,
      overwrite: overwrite ?? false,
    });
    return 0;
  },
};
