/** --compression-format, --compression-level, --format: what an image looks like where it is copied to. */
import { CtrError } from '../../base/ctr-error.ts';
import type { CopyChoice } from '../../image/copy.ts';
import type { FlagSet } from '../flag-set.ts';

export interface CopyFormFlags {
  readonly compressionFormat?: string;
  readonly compressionLevel?: string;
  readonly format?: string;
}

export function declareCopyForm(command: FlagSet): void {
  command
    .option('--compression-format <format>', 'compress every layer so: gzip or zstd')
    .option('--compression-level <level>', 'of gzip (1-9) or zstd (1-20)')
    .option('--force-compression', 'accepted for Podman; --compression-format changes every layer anyway')
    .option('-f, --format <format>', 'the manifest’s format: oci or v2s2 (default: as it is)')
    .option('--remove-signatures', 'accepted for Podman; signatures are not copied');
}

export function copyFormFrom({
  compressionFormat,
  compressionLevel,
  format,
}: CopyFormFlags): Pick<CopyChoice, 'compression' | 'compressionLevel' | 'format'> {
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
