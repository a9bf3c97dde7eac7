import { CtrError } from '../base/ctr-error.ts';
import { copyBetween } from '../engine/image-copy.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { CommandSpec } from './command.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';
import { copyProgressInto } from './output/copy-progress.ts';
import { createProgress, silentProgress } from './output/progress.ts';

interface ImageCopyFlags extends RegistryFlags {
  readonly all?: boolean;
  readonly destCreds?: string;
  readonly destTlsVerify?: boolean;
  readonly digestfile?: string;
  readonly format?: string;
  readonly platform?: string;
  readonly quiet?: boolean;
  readonly srcCreds?: string;
  readonly srcTlsVerify?: boolean;
}

export const command: CommandSpec<ImageCopyFlags> = {
  usage: '[options] SOURCE DESTINATION',
  description:
    'Copies without the store. Places are docker://NAME, oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME]\nand dir:DIR; a path has a / in it. Bytes and digests stay as they are wherever the destination can hold them.',
  examples: [
    'image copy docker://alpine oci:./alpine:latest',
    'image copy --all docker://debian:trixie docker://registry.example/debian:trixie',
    'image copy docker-archive:./app.tar docker://localhost:5000/app',
  ],
  operands: [2, 2],
  declare(command) {
    command
      .option('-a, --all', 'all images of an index, and the index itself')
      .option('--dest-creds <user:password>', 'credentials for the destination')
      .option('--dest-tls-verify', 'require HTTPS of the destination (--dest-tls-verify=false: do not)')
      .option('--digestfile <path>', 'write the digest of what was copied to this file')
      .option('-f, --format <format>', 'the manifest’s format: oci or v2s2')
      .option('--platform <os/arch/variant>', 'the image to choose out of an index')
      .option('-q, --quiet', 'show no progress')
      .option('--src-creds <user:password>', 'credentials for the source')
      .option('--src-tls-verify', 'require HTTPS of the source (--src-tls-verify=false: do not)');
    declareRegistryFlags(command);
  },
  async run(context, [source = '', destination = ''], flags) {
    const request = {
      ...{ source, destination, all: flags.all, format: formatFrom(flags.format) },
      platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
      sourceAccess: accessFrom(sideOf(flags, flags.srcCreds, flags.srcTlsVerify)),
      destinationAccess: accessFrom(sideOf(flags, flags.destCreds, flags.destTlsVerify)),
    };
    const signal = untilInterrupted();
    const view = flags.quiet ? silentProgress : createProgress(context.stderr, context.host.env);
    try {
      const { digest } = await copyBetween(context.host, request, { progress: copyProgressInto(view), signal });
      if (flags.digestfile) {
        const { replaceFile } = await import('../base/json-file.ts');
        replaceFile(flags.digestfile, digest);
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      view.close();
    }
    return 0;
  },
};

function sideOf(flags: RegistryFlags, creds: string | undefined, tlsVerify: boolean | undefined): RegistryFlags {
  return {
    ...flags,
    ...(creds === undefined ? {} : { creds }),
    ...(tlsVerify === undefined ? {} : { tlsVerify }),
  };
}

function formatFrom(text: string | undefined): 'oci' | 'v2s2' | undefined {
  if (text === undefined || text === 'oci' || text === 'v2s2') return text;
  throw new CtrError('USAGE', `unknown manifest format "${text}": oci or v2s2`);
}
