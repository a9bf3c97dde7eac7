import { CtrError } from '../base/ctr-error.ts';
import { annotateList, annotateMember } from '../engine/manifest-list.ts';
import type { CommandSpec } from './command.ts';
import { declareMemberFlags, type MemberFlags, memberNotesFrom } from './flags/manifest-notes.ts';

interface AnnotateFlags extends MemberFlags {
  readonly index?: boolean;
}

export const command: CommandSpec<AnnotateFlags> = {
  usage: '[options] LIST [IMAGE]',
  description: 'IMAGE is a digest, or an image that is stored here.',
  examples: ['manifest annotate --arch arm64 --variant v8 app:1 app:1-arm'],
  operands: [1, 2],
  declare(command) {
    command.option('--index', 'annotate the list itself');
    declareMemberFlags(command);
  },
  run({ host }, [list = '', image], flags) {
    if (flags.index) {
      if (image !== undefined) throw new CtrError('USAGE', '--index and an image exclude each other');
      annotateList(host, list, memberNotesFrom(flags).annotations ?? {});
      return 0;
    }
    if (image === undefined) throw new CtrError('USAGE', 'want an image of the list, or --index');
    annotateMember(host, list, image, memberNotesFrom(flags));
    return 0;
  },
};
