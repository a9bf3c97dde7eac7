import { cleanUpContainer, restartAfterPause } from '../engine/restart-container.ts';
import type { CommandSpec } from './command.ts';

interface CleanupFlags {
  readonly restarts?: string;
  readonly quickEnds?: string;
}

export const command: CommandSpec<CleanupFlags> = {
  usage: '[options] CONTAINER-ID',
  description: 'What a supervisor executes after its container: --rm, the restart policy, the end of its network.',
  examples: ['container cleanup 4f1b'],
  operands: [1, 1],
  declare(command) {
    command
      .option('--restarts <number>', 'the pause before this restart is over')
      .option('--quick-ends <number>', 'how many runs before it were short');
  },
  async run({ host }, [id = ''], { restarts, quickEnds }) {
    if (restarts === undefined) await cleanUpContainer(host, id);
    else {
      const runs = { restarts: Number(restarts), quickEnds: Number(quickEnds ?? 0) };
      await restartAfterPause(host, id, { afterMs: 0, runs });
    }
    return 0;
  },
};
