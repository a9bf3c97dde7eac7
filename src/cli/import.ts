import { CtrError } from '../base/ctr-error.ts';
import { importImage } from '../engine/import.ts';
import { hexOf } from '../oci/digest.ts';
import { hostPlatform, parsePlatform } from '../oci/platform.ts';
import { type CommandSpec, collect } from './command.ts';
import { untilInterrupted } from './interrupt.ts';

interface ImportFlags {
  readonly arch?: string;
  readonly change: readonly string[];
  readonly message?: string;
  readonly os?: string;
  readonly platform?: string;
  readonly quiet?: boolean;
  readonly variant?: string;
}

export const command: CommandSpec<ImportFlags> = {
  usage: '[options] FILE|URL|- [NAME]',
  description: 'Makes an image of one layer out of a tar archive (plain, gzip or zstd). Prints its ID.',
  examples: [
    'import rootfs.tar mine:1',
    'import --change \'CMD ["sh"]\' https://example.org/rootfs.tar.gz',
    'import - mine < rootfs.tar',
  ],
  operands: [1, 2],
  declare(command) {
    command
      .option('--arch <arch>', 'the image’s architecture')
      .option('-c, --change <instruction>', 'apply an instruction of a Dockerfile (CMD, ENV, …)', collect, [])
      .option('-m, --message <text>', 'a comment for the image’s history')
      .option('--os <os>', 'the image’s operating system')
      .option('--platform <os/arch/variant>', 'the image’s platform')
      .option('--variant <variant>', 'the architecture’s variant')
      .option('-q, --quiet', 'accepted for Podman; nothing but the ID is shown anyway');
  },
  async run(context, [source = '', name], flags) {
    if (source === '-' && context.stdinIsTty)
      throw new CtrError('USAGE', 'refusing to read an archive from the terminal');
    const signal = untilInterrupted();
    const { change: changes, message } = flags;
    const request = { source, name, changes, message, platform: platformFrom(flags), createdAt: context.now() };
    const id = await importImage(context.host, request, signal);
    context.stdout.write(context.compat === 'docker' ? `${id}\n` : `${hexOf(id)}\n`);
    return 0;
  },
};

function platformFrom({ platform, os, arch, variant }: ImportFlags) {
  if (platform !== undefined) return parsePlatform(platform);
  if (os === undefined && arch === undefined && variant === undefined) return undefined;
  const words = [os ?? 'linux', arch ?? hostPlatform().architecture, ...(variant === undefined ? [] : [variant])];
  return parsePlatform(words.join('/'));
}
