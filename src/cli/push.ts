import { CtrError } from '../base/ctr-error.ts';
import { type CopyWatch, type Pushed, type PushRequest, push, pushedLine, tagsToPush } from '../engine/push.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { type CopyFormFlags, copyFormFrom, declareCopyForm } from './flags/copy-form.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';
import { copyProgressInto } from './output/copy-progress.ts';
import { createProgress, silentProgress } from './output/progress.ts';

interface PushFlags extends RegistryFlags, CopyFormFlags {
  readonly allTags?: boolean;
  readonly compress?: boolean;
  readonly digestfile?: string;
  readonly quiet?: boolean;
}

export const command: CommandSpec<PushFlags> = {
  usage: '[options] IMAGE [DESTINATION]',
  description:
    'DESTINATION is a name in a registry, or docker://NAME, oci:DIR[:NAME], oci-archive:FILE, docker-archive:FILE or dir:DIR. What was pulled is pushed byte by byte as it was.',
  examples: [
    'push localhost:5000/app',
    'push app registry.example/team/app:1.0 --digestfile digest.txt',
    'push app oci-archive:/tmp/app.tar',
  ],
  operands: [1, 2],
  declare(command) {
    command
      .option('-a, --all-tags', 'push every tag that the repository IMAGE has here')
      .option('--compress', 'with dir: as the destination: compress every layer by gzip')
      .option('--digestfile <path>', 'write the digest of the pushed manifest to this file')
      .option('-q, --quiet', 'show no progress')
      .option('--disable-content-trust', 'accepted for Docker; there is no content trust to disable');
    declareCopyForm(command);
    declareRegistryFlags(command);
  },
  async run(context, [name = '', destination], flags) {
    const form = copyFormFrom(flags.compress ? { ...flags, compressionFormat: compressedBy(destination) } : flags);
    const requests = requestsFor(context, name, destination, flags.allTags ?? false).map((one) => {
      return { ...accessFrom(flags), ...one, ...form };
    });
    const signal = untilInterrupted();
    const view = flags.quiet ? silentProgress : createProgress(context.stderr, context.host.env);
    const all: Pushed[] = [];
    try {
      const watch: CopyWatch = { progress: copyProgressInto(view), signal };
      for (const request of requests) all.push(await push(context.host, request, watch));
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      view.close();
    }
    if (flags.digestfile) {
      const { replaceFile } = await import('../base/json-file.ts');
      replaceFile(flags.digestfile, all.map(({ manifest }) => manifest.digest).join('\n'));
    }
    for (const pushed of all) {
      if (context.compat === 'docker') context.stdout.write(`${pushedLine(pushed)}\n`);
      else if (!flags.quiet) context.stderr.write(`${pushed.destination}: ${pushed.manifest.digest}\n`);
    }
    return 0;
  },
};

/** podman-push(1) --compress. */
function compressedBy(destination: string | undefined): string {
  if (destination?.startsWith('dir:')) return 'gzip';
  throw new CtrError('USAGE', '--compress is for dir: destinations; registries always get compressed layers');
}

function requestsFor(
  { host }: Context,
  name: string,
  destination: string | undefined,
  allTags: boolean,
): Array<Pick<PushRequest, 'name' | 'destination'>> {
  if (!allTags) return [{ name, destination }];
  if (destination !== undefined)
    throw new CtrError('USAGE', '--all-tags takes no destination: each tag goes to its own name');
  return tagsToPush(host, name).map((tag) => ({ name: tag }));
}
