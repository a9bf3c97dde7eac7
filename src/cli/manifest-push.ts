import { pushManifestList } from '../engine/manifest-list.ts';
import { removeManifestList, resolveManifestList } from '../storage/manifest-list-store.ts';
import type { CommandSpec } from './command.ts';
import { type CopyFormFlags, copyFormFrom, declareCopyForm } from './flags/copy-form.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';
import { copyProgressInto } from './output/copy-progress.ts';
import { createProgress, silentProgress } from './output/progress.ts';

interface ManifestPushFlags extends RegistryFlags, CopyFormFlags {
  readonly digestfile?: string;
  readonly purge?: boolean;
  readonly quiet?: boolean;
  readonly rm?: boolean;
}

export const command: CommandSpec<ManifestPushFlags> = {
  usage: '[options] LIST [DESTINATION]',
  description: 'Uploads the list with all its images. Prints the list’s digest.',
  examples: ['manifest push app:1 registry.example/app:1'],
  operands: [1, 2],
  declare(command) {
    command
      .option('--all', 'accepted for Podman; the images are always pushed')
      .option('--digestfile <path>', 'write the digest of the list to this file')
      .option('-p, --purge', 'the same as --rm, for Docker')
      .option('-q, --quiet', 'show no progress')
      .option('--rm', 'remove the list when it is pushed');
    declareCopyForm(command);
    declareRegistryFlags(command);
  },
  async run(context, [list = '', destination], flags) {
    const { host, stdout } = context;
    const signal = untilInterrupted();
    const view = flags.quiet ? silentProgress : createProgress(context.stderr, host.env);
    try {
      const request = { ...accessFrom(flags), ...copyFormFrom(flags), list, destination };
      const { digest } = await pushManifestList(host, request, { progress: copyProgressInto(view), signal });
      view.close();
      if (flags.digestfile) {
        const { replaceFile } = await import('../base/json-file.ts');
        replaceFile(flags.digestfile, digest);
      }
      if (flags.rm || flags.purge) removeManifestList(host, resolveManifestList(host, list));
      stdout.write(`${digest}\n`);
    } catch (error) {
      view.close();
      throw signal.aborted ? signal.reason : error;
    }
    return 0;
  },
};
