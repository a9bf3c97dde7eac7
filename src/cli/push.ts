import { CtrError } from '../base/ctr-error.ts';
import { type PushRequest, push, pushedLine } from '../engine/push.ts';
import type { CommandSpec } from './command.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';
import { copyProgressInto } from './output/copy-progress.ts';
import { createProgress, silentProgress } from './output/progress.ts';

interface PushFlags extends RegistryFlags {
  readonly compressionFormat?: string;
  readonly compressionLevel?: string;
  readonly digestfile?: string;
  readonly format?: string;
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
      .option('--compression-format <format>', 'compress every layer so: gzip or zstd')
      .option('--compression-level <level>', 'of gzip (1-9) or zstd (1-20)')
      .option('--digestfile <path>', 'write the digest of the pushed manifest to this file')
      .option('-f, --format <format>', 'the manifest’s format: oci or v2s2 (default: as it is)')
      .option('-q, --quiet', 'show no progress')
      .option('--remove-signatures', 'accepted for Podman; signatures are not copied')
      .option('--disable-content-trust', 'accepted for Docker; there is no content trust to disable');
    declareRegistryFlags(command);
  },
  async run(context, [name = '', destination], flags) {
    const request: PushRequest = { ...accessFrom(flags), name, destination, ...formFrom(flags) };
    const signal = untilInterrupted();
    const view = flags.quiet ? silentProgress : createProgress(context.stderr, context.host.env);
    try {
      const pushed = await push(context.host, request, { progress: copyProgressInto(view), signal });
      view.close();
      if (flags.digestfile) {
        const { replaceFile } = await import('../base/json-file.ts');
        replaceFile(flags.digestfile, pushed.manifest.digest);
      }
      if (context.compat === 'docker') context.stdout.write(`${pushedLine(pushed)}\n`);
      else if (!flags.quiet) context.stderr.write(`${pushed.destination}: ${pushed.manifest.digest}\n`);
    } catch (error) {
      view.close();
      throw signal.aborted ? signal.reason : error;
    }
    return 0;
  },
};

function formFrom({ compressionFormat, compressionLevel, format }: PushFlags) {
  const compression = (['gzip', 'zstd'] as const).find((one) => one === compressionFormat);
  if (compressionFormat !== undefined && compression === undefined) {
    throw new CtrError('USAGE', `unknown compression format "${compressionFormat}": gzip or zstd`);
  }
  const level = compressionLevel === undefined ? undefined : Number(compressionLevel);
  if (level !== undefined && !(Number.isInteger(level) && level >= 1 && level <= (compression === 'zstd' ? 20 : 9))) {
    throw new CtrError('USAGE', `invalid --compression-level ${compressionLevel}`);
  }
  const manifestFormat = (['oci', 'v2s2'] as const).find((one) => one === format);
  if (format !== undefined && manifestFormat === undefined) {
    throw new CtrError('USAGE', `unknown manifest format "${format}": oci or v2s2`);
  }
  return { compression, compressionLevel: level, format: manifestFormat };
}
