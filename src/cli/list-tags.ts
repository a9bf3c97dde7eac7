import { listRemoteTags } from '../engine/image-copy.ts';
import type { CommandSpec } from './command.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { indentedJson } from './output/format.ts';

export const command: CommandSpec<RegistryFlags> = {
  usage: '[options] REPOSITORY',
  description: 'Prints what the registry has as JSON, as skopeo does.',
  examples: ['list-tags docker://alpine', 'list-tags localhost:5000/app'],
  operands: [1, 1],
  declare: declareRegistryFlags,
  async run({ host, stdout }, [name = ''], flags) {
    const { repository, tags } = await listRemoteTags(host, name, accessFrom(flags));
    stdout.write(indentedJson({ Repository: repository, Tags: tags }));
    return 0;
  },
};
