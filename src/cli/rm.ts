import { CtrError } from '../base/ctr-error.ts';
import { isRunning } from '../engine/container-status.ts';
import { removeExisting } from '../engine/remove-existing.ts';
import { containerIds } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import {
  addCidFileFlag,
  addSelectionFlags,
  reportAll,
  type Selected,
  type SelectionFlags,
  selectContainers,
} from './container-operands.ts';
import type { Context } from './context.ts';
import { addStopFlags, parseStopTimeout, type StopFlags } from './flags/stop.ts';

interface RmFlags extends SelectionFlags, StopFlags {
  readonly force?: boolean;
  readonly volumes?: boolean;
  readonly depend?: boolean;
}

export const command: CommandSpec<RmFlags> = {
  usage: '[options] [CONTAINER...]',
  description:
    'Exits with 1 when a container is not there and nothing else went wrong, with 2 when one runs, else with 125.',
  examples: ['rm web', 'rm -f web db', 'rm --all --filter status=exited'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    addSelectionFlags(command, 'all', 'f')
      .option('-f, --force', 'stop those that run first; those that are not there are no error')
      .option('-i, --ignore', 'containers that are not there are no error')
      .option('-v, --volumes', 'remove their anonymous volumes too')
      .option('--depend', 'remove the containers that depend on them too');
    addStopFlags(addCidFileFlag(command));
  },
  async run(context, operands, flags) {
    const { selected, missing } = selectForRemoval(context, operands, flags);
    const errors: unknown[] = [];
    const options = {
      ...parseStopTimeout(flags),
      force: flags.force ?? false,
      withDependants: flags.depend ?? false,
      volumes: flags.volumes ?? false,
    };
    for (const { shown, id } of selected) {
      try {
        const removed = await removeExisting(context.host, id, options);
        context.stdout.write([...removed.slice(0, -1), shown].map((line) => `${line}\n`).join(''));
      } catch (error) {
        errors.push(error);
      }
    }
    const exitCode = await reportAll(context, errors);
    const codeOfMissing = Math.min(await reportAll(context, missing), 1);
    return exitCode || codeOfMissing;
  },
};

/** --all takes the broken ones too: they are what one wants to be rid of. */
function selectForRemoval(context: Context, operands: readonly string[], flags: RmFlags) {
  const ignore = flags.ignore || flags.force || false;
  if (!flags.all || (flags.filter ?? []).length > 0) {
    const choice = { ...flags, ignore, all: false };
    return selectContainers(context, operands, choice, ({ status }) => flags.force || !isRunning(status));
  }
  if (operands.length > 0) throw new CtrError('USAGE', '--all cannot be combined with names');
  const selected: Selected[] = containerIds(context.host).map((id) => ({ shown: id, id }));
  return { selected, missing: [] };
}
