import { CtrError } from '../base/ctr-error.ts';
import { isRunning } from '../engine/container-status.ts';
import { startExisting, startExistingAttached } from '../engine/start-existing.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import { addSelectionFlags, forEachContainer, type SelectionFlags, selectContainers } from './container-operands.ts';
import { checkDetachKeys } from './flags/container.ts';

interface StartFlags extends SelectionFlags {
  readonly attach?: boolean;
  readonly interactive?: boolean;
  readonly detachKeys?: string;
  readonly sigProxy?: boolean;
}

export const command: CommandSpec<StartFlags> = {
  usage: '[options] [CONTAINER...]',
  description: 'Run containers that were made before, with the flags that they were made with.',
  examples: ['start web', 'start -ai shell', 'start --all --filter restart-policy=always'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    addSelectionFlags(command, 'all that do not run', 'a')
      .option('-a, --attach', 'show its output, and leave with its exit code')
      .option('-i, --interactive', 'pass standard input on; attaches as well')
      .option('--detach-keys <keys>', 'the keys that leave it running; "" for none')
      .option('--sig-proxy', 'with --attach, pass signals on; on unless =false', true);
  },
  async run(context, operands, flags) {
    const { host, stdout } = context;
    const selection = selectContainers(context, operands, flags, ({ status }) => !isRunning(status));
    if (flags.attach || flags.interactive) {
      const [only, ...others] = selection.selected;
      if (others.length > 0) throw new CtrError('USAGE', 'you cannot start and attach multiple containers at once');
      const [missing] = selection.missing;
      if (missing || !only) throw missing ?? new CtrError('NOT_FOUND', 'there is no container that could be started');
      return startExistingAttached(host, resolveContainer(host, only.id), {
        interactive: flags.interactive ?? false,
        sigProxy: flags.sigProxy ?? true,
        ...(flags.detachKeys === undefined ? {} : { detachKeys: checkDetachKeys(flags.detachKeys) }),
      });
    }
    return forEachContainer(context, selection, async ({ shown, id }) => {
      await startExisting(host, resolveContainer(host, id));
      stdout.write(`${shown}\n`);
    });
  },
};
