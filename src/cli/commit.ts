import { writeFileSync } from 'node:fs';
import { commitContainer } from '../engine/commit.ts';
import { hexOf } from '../oci/digest.ts';
import { resolveContainer } from '../storage/container-store.ts';
import { type CommandSpec, collect } from './command.ts';
import { flagError } from './flags/flag-error.ts';

interface CommitFlags {
  readonly author?: string;
  readonly change: readonly string[];
  readonly format: string;
  readonly iidfile?: string;
  readonly message?: string;
  readonly pause?: boolean;
  readonly quiet?: boolean;
  readonly squash?: boolean;
}

export const command: CommandSpec<CommitFlags> = {
  usage: '[options] CONTAINER [IMAGE]',
  description: 'Makes an image of a container as it is now, without its volumes. Prints the image’s ID.',
  examples: ['commit web web:patched', "commit --change 'CMD [\"sh\"]' -m 'with tools' web tools"],
  operands: [1, 2],
  declare(command) {
    command
      .option('-a, --author <name>', 'who made it')
      .option('-c, --change <instruction>', 'apply an instruction of a Dockerfile (CMD, ENV, …)', collect, [])
      .option('-f, --format <format>', 'oci or docker', 'oci')
      .option('--iidfile <file>', 'write the image ID to a file')
      .option('-m, --message <text>', 'a comment for the image’s history')
      .option('-p, --pause', 'freeze the container meanwhile')
      .option('-q, --quiet', 'accepted for Podman; nothing but the ID is shown anyway')
      .option('-s, --squash', 'one layer instead of the image’s and one more');
  },
  async run(context, [name = '', image], { change: changes, author, message, pause, squash, iidfile, ...flags }) {
    const format = (['oci', 'docker'] as const).find((each) => each === flags.format);
    if (format === undefined) throw flagError('--format', flags.format, 'want oci or docker');
    const { host, stdout } = context;
    const id = await commitContainer(host, resolveContainer(host, name), {
      name: image,
      changes,
      author,
      message,
      pause: pause ?? false,
      squash: squash ?? false,
      format,
      createdAt: context.now(),
    });
    if (iidfile !== undefined) writeFileSync(iidfile, id);
    stdout.write(context.compat === 'docker' ? `${id}\n` : `${hexOf(id)}\n`);
    return 0;
  },
};
