import { pruneVolumes } from '../engine/volume-verbs.ts';
import { type CommandSpec, collect } from './command.ts';
import { confirm } from './confirm.ts';
import { matcherFor } from './volume-ls.ts';

interface VolumePruneFlags {
  readonly all?: boolean;
  readonly filter: readonly string[];
  readonly force?: boolean;
}

export const command: CommandSpec<VolumePruneFlags> = {
  usage: '[options]',
  description:
    'Only anonymous ones: somebody chose the name of every other, and its content cannot be had again. --all takes named ones\nthat no container has, too; called as `podman`, it always does.',
  examples: ['volume prune', 'volume prune --all --force --filter label=cache'],
  operands: [0, 0],
  declare(command) {
    command
      .option('-a, --all', 'named ones, too')
      .option('--filter <key=value>', 'only those for which this holds', collect, [])
      .option('-f, --force', 'do not ask');
  },
  async run(context, _operands, { all, filter, force }) {
    const matches = matcherFor(context, filter);
    const named = all || context.programName === 'podman' || context.host.env.CTR_COMPAT === 'podman';
    const what = named ? 'all volumes' : 'anonymous volumes';
    if (!force && !confirm(context, `This will remove ${what} that no container uses.`)) return 0;
    const removed = await pruneVolumes(context.host, (volume) => (named || volume.isAnonymous) && matches(volume));
    context.stdout.write(removed.map(({ name }) => `${name}\n`).join(''));
    return 0;
  },
};
