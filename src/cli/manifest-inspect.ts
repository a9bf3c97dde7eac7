import { inspectManifest } from '../engine/manifest-list.ts';
import { parseJson, unknown } from '../oci/check.ts';
import type { CommandSpec } from './command.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { indentedJson } from './output/format.ts';

export const command: CommandSpec<RegistryFlags> = {
  usage: '[options] LIST|IMAGE',
  description: 'Looks for a list, then for a stored image, then in the registry; nothing is pulled.',
  examples: ['manifest inspect app:1', 'manifest inspect docker.io/library/alpine'],
  operands: [1, 1],
  declare: declareRegistryFlags,
  async run({ host, stdout }, [name = ''], flags) {
    stdout.write(indentedJson(parseJson(await inspectManifest(host, name, accessFrom(flags)), 'manifest', unknown)));
    return 0;
  },
};
