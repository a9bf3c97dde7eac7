import { annotateMember } from '../engine/manifest-list.ts';
import type { CommandSpec } from './command.ts';
import { declareMemberFlags, type MemberFlags, memberNotesFrom } from './flags/manifest-notes.ts';

export const command: CommandSpec<MemberFlags> = {
  usage: '[options] LIST IMAGE',
  description: 'IMAGE is a digest, or an image that is stored here.',
  examples: ['manifest annotate --arch arm64 --variant v8 app:1 app:1-arm'],
  operands: [2, 2],
  declare: declareMemberFlags,
  run({ host }, [list = '', image = ''], flags) {
    annotateMember(host, list, image, memberNotesFrom(flags));
    return 0;
  },
};
