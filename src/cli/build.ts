import { CtrError } from '../base/ctr-error.ts';
import type { FailedStep } from '../engine/build/autopsy.ts';
import { buildImage } from '../engine/build/build.ts';
import { hexOf } from '../oci/digest.ts';
import { type BuildFlags, declareBuildFlags, parseBuildRequest } from './build-flags.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { flagError } from './flags/flag-error.ts';
import { untilInterrupted } from './interrupt.ts';
import { buildProgress, type ProgressStyle } from './output/build-progress.ts';
import type { BuildProgress } from './output/build-view.ts';
import { reportError } from './report-error.ts';

export const command: CommandSpec<BuildFlags> = {
  usage: '[options] [CONTEXT]',
  description:
    'Builds an image by a Dockerfile. The same files give the same image, whoever builds it when and where. Prints the image’s ID.',
  examples: [
    'build -t mine:1 .',
    'build -f Dockerfile --target test -o out .',
    'build --secret id=key,src=key.pem --ssh default .',
  ],
  operands: [0, 1],
  declare: declareBuildFlags,
  async run(context, operands, flags) {
    const { host, stdout, stderr } = context;
    const request = parseBuildRequest(flags, operands, { env: host.env, cwd: process.cwd() });
    if (flags.check || calls(flags, 'check'))
      return (await import('../engine/build/check.ts')).checkBuild(host, request, stdout);
    const progress = buildProgress(styleFrom(flags, context), stderr, host.env);
    const built = await buildImage(host, request, {
      ...{ watch: progress, signal: untilInterrupted(), now: context.now() },
      write: (bytes) => stdout.write(bytes),
      ...(flags.debug ? { lookAtFailed: shellFor(context, progress) } : {}),
    }).finally(() => progress.close());
    // With an archive on standard output there is no room for the ID.
    const isTaken = request.outputs.some(
      (output) => 'dest' in output === false && !['image', 'cacheonly'].includes(output.type),
    );
    if (built && !isTaken) printId(context, built.image.id);
    return 0;
  },
};

/** docker-buildx-build(1) "--call": what is asked of the front end. */
function calls({ call = 'build' }: BuildFlags, method: string): boolean {
  if (call === 'build' || call === 'check') return call === method;
  throw flagError('--call', call, 'want build or check');
}

function printId({ stdout, compat }: Context, id: Parameters<typeof hexOf>[0]): void {
  stdout.write(compat === 'docker' ? `${id}\n` : `${hexOf(id)}\n`);
}

/** `--debug`: says what failed, then gives the terminal to the shell. */
function shellFor({ stdinIsTty, stdout, stderr, programName }: Context, progress: BuildProgress) {
  if (!stdinIsTty || !stdout.isTty) {
    const which = stdinIsTty ? 'standard output' : 'standard input';
    throw new CtrError('USAGE', `--debug opens a shell on the terminal, and ${which} is none`, {
      hint: 'leave it out: the error shows the line of the Dockerfile and the last output',
    });
  }
  return async ({ error, shell }: FailedStep): Promise<void> => {
    progress.close();
    reportError(error, { stderr, programName, debug: false });
    stderr.write('--debug: a shell in the file system of the failed step; `exit` ends the build\n');
    await shell();
  };
}

/** BUILDKIT_PROGRESS is the default, as for Docker. */
function styleFrom({ progress: given, quiet }: BuildFlags, { stderr, host }: Context): ProgressStyle {
  const progress = given === 'auto' ? host.env.BUILDKIT_PROGRESS || given : given;
  if (quiet || progress === 'quiet' || progress === 'none') return 'quiet';
  if (progress === 'rawjson' || progress === 'plain') return progress;
  if (progress === 'auto') return stderr.isTty && (host.env.TERM ?? 'dumb') !== 'dumb' ? 'tty' : 'plain';
  if (progress !== 'tty') throw flagError('--progress', progress, 'want auto, plain, tty, rawjson or quiet');
  if (!stderr.isTty) throw flagError('--progress', progress, 'standard error is no terminal; plain writes lines');
  return 'tty';
}
