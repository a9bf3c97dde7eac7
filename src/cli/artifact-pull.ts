import { pullArtifact } from '../engine/artifact.ts';
import type { CommandSpec } from './command.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';

interface ArtifactPullFlags extends RegistryFlags {
  readonly output: string;
}

export const command: CommandSpec<ArtifactPullFlags> = {
  usage: '[options] NAME',
  description: 'Writes the files into a directory and prints their names. Files that exist are not replaced.',
  examples: ['artifact pull -o sbom localhost:5000/app:sbom'],
  operands: [1, 1],
  declare(command) {
    command.option('-o, --output <directory>', 'where the files go', '.');
    declareRegistryFlags(command);
  },
  async run({ host, stdout }, [name = ''], flags) {
    const names = await pullArtifact(host, { ...accessFrom(flags), name, directory: flags.output }, untilInterrupted());
    stdout.write(names.map((file) => `${file}\n`).join(''));
    return 0;
  },
};
