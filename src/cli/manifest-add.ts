import { addToManifestList } from '../engine/manifest-list.ts';
import type { CommandSpec } from './command.ts';
import { declareMemberFlags, type MemberFlags, memberNotesFrom } from './flags/manifest-notes.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { untilInterrupted } from './interrupt.ts';

interface ManifestAddFlags extends RegistryFlags, MemberFlags {
  readonly all?: boolean;
}

export const command: CommandSpec<ManifestAddFlags> = {
  usage: '[options] LIST IMAGE',
  description: 'IMAGE is stored here, or in a registry; from there it is copied into the store.',
  examples: ['manifest add app:1 app:1-amd64', 'manifest add --all app:1 docker://registry.example/app:1'],
  operands: [2, 2],
  declare(command) {
    command.option('--all', 'of an image that is an index itself, add all images');
    declareMemberFlags(command);
    declareRegistryFlags(command);
  },
  async run({ host, stdout }, [list = '', image = ''], flags) {
    const request = { ...accessFrom(flags), list, image, all: flags.all ?? false, notes: memberNotesFrom(flags) };
    await addToManifestList(host, request, { signal: untilInterrupted() });
    stdout.write(`${list}\n`);
    return 0;
  },
};
