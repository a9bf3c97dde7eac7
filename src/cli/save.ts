import { CtrError } from '../base/ctr-error.ts';
import { type SaveFormat, save, saveFormats } from '../engine/save.ts';
import type { CommandSpec } from './command.ts';
import { untilInterrupted } from './interrupt.ts';
import { copyProgressInto } from './output/copy-progress.ts';
import { createProgress, silentProgress } from './output/progress.ts';

interface SaveFlags {
  readonly compress?: boolean;
  readonly format: string;
  readonly output?: string;
  readonly quiet?: boolean;
}

export const command: CommandSpec<SaveFlags> = {
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Writes to standard output unless --output is given. An image given by name keeps the name.',
  examples: [
    'save -o alpine.tar alpine',
    'save alpine debian:trixie | ssh other ctr load',
    'save --format oci-archive -o app.tar app',
  ],
  operands: [1, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('--format <format>', saveFormats.join(', '), 'docker-archive')
      .option('--compress', 'with --format docker-dir: compress every layer by gzip')
      .option('-m, --multi-image-archive', 'accepted for Podman; several images are always allowed')
      .option('-o, --output <path>', 'the file or directory to write')
      .option('-q, --quiet', 'show no progress')
      .option('--uncompressed', 'accepted for Podman; layers stay as they are');
  },
  async run(context, images, flags) {
    const format = formatFrom(flags.format);
    if (flags.output === undefined && context.stdout.isTty) {
      throw new CtrError('USAGE', 'refusing to write an archive to the terminal', {
        hint: 'use -o FILE, or redirect standard output',
      });
    }
    if (flags.compress && format !== 'docker-dir') throw new CtrError('USAGE', '--compress is for --format docker-dir');
    const output = flags.output === undefined ? { fd: context.stdout.fd } : { path: flags.output };
    const signal = untilInterrupted();
    const view = flags.quiet ? silentProgress : createProgress(context.stderr, context.host.env);
    try {
      await save(
        context.host,
        { images, format, output, compress: flags.compress ?? false },
        { progress: copyProgressInto(view), signal },
      );
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      view.close();
    }
    return 0;
  },
};

function formatFrom(text: string): SaveFormat {
  const format = saveFormats.find((one) => one === text);
  if (format !== undefined) return format;
  throw new CtrError('USAGE', `unknown format ${JSON.stringify(text)}: ${saveFormats.join(', ')}`);
}
