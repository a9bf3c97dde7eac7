import { buildImage } from '../engine/build/build.ts';
import { hexOf } from '../oci/digest.ts';
import { type BuildFlags, declareBuildFlags, parseBuildRequest } from './build-flags.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { flagError } from './flags/flag-error.ts';
import { untilInterrupted } from './interrupt.ts';
import { buildProgress, type ProgressStyle } from './output/build-progress.ts';

export const command: CommandSpec<BuildFlags> = {
  usage: '[options] [CONTEXT]',
  description:
    'Builds an image by a Dockerfile. The same files give the same image, whoever builds it when and where. Prints the image’s ID.',
  examples: ['build -t mine:1 .', 'build -f Dockerfile --target test -o out .', 'build --secret id=key,src=key.pem .'],
  operands: [0, 1],
  declare: declareBuildFlags,
  async run(context, operands, flags) {
    const { host, stdout, stderr } = context;
    const request = parseBuildRequest(flags, operands, { env: host.env, cwd: process.cwd() });
    if (flags.check) return (await import('../engine/build/check.ts')).checkBuild(host, request, stdout);
    const progress = buildProgress(styleFrom(flags), stderr);
    try {
      const built = await buildImage(host, request, {
        ...{ watch: progress, signal: untilInterrupted(), now: context.now() },
        write: (bytes) => stdout.write(bytes),
      });
      if (built)
        printId(
          context,
          built.image.id,
          request.outputs.some((output) => 'dest' in output === false && output.type !== 'image'),
        );
      return 0;
    } catch (error) {
      stderr.write(progress.unseen());
      throw error;
    }
  },
};

function printId({ stdout, compat }: Context, id: Parameters<typeof hexOf>[0], isTaken: boolean): void {
  // The archive is on standard output already.
  if (!isTaken) stdout.write(compat === 'docker' ? `${id}\n` : `${hexOf(id)}\n`);
}

function styleFrom({ progress, quiet }: BuildFlags): ProgressStyle {
  if (quiet || progress === 'quiet' || progress === 'none') return 'quiet';
  if (progress === 'rawjson') return 'rawjson';
  if (['auto', 'plain', 'tty'].includes(progress)) return 'plain';
  throw flagError('--progress', progress, 'want auto, plain, rawjson or quiet');
}
