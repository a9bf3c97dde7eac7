import { listReferrers } from '../engine/artifact.ts';
import type { CommandSpec } from './command.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { formatList } from './output/format.ts';

interface ArtifactLsFlags extends RegistryFlags {
  readonly format?: string;
  readonly type?: string;
}

export const command: CommandSpec<ArtifactLsFlags> = {
  usage: '[options] IMAGE',
  description:
    'Lists what in the registry refers to the image: signatures, SBOMs. Fields: .Digest .ArtifactType .Size.',
  examples: ['artifact ls localhost:5000/app:1'],
  operands: [1, 1],
  declare(command) {
    command
      .option('--format <template>', 'json, or a Go template')
      .option('--type <type>', 'only artifacts of this type');
    declareRegistryFlags(command);
  },
  async run({ host, stdout, compat }, [name = ''], flags) {
    const found = await listReferrers(host, name, { ...accessFrom(flags), artifactType: flags.type });
    const rows = found.map(({ digest, artifactType = '', size }) => ({
      Digest: digest,
      ArtifactType: artifactType,
      Size: size,
    }));
    const defaultFormat = 'table {{.Digest}}\t{{.ArtifactType}}\t{{.Size}}';
    stdout.write(formatList({ name: 'artifact', rows, defaultFormat }, { ...flags, compat }));
    return 0;
  },
};
