import { CtrError } from '../base/ctr-error.ts';
import { cloneContainer } from '../engine/clone-container.ts';
import { isRunning, readStatus } from '../engine/container-status.ts';
import { removeExisting } from '../engine/remove-existing.ts';
import { startExisting } from '../engine/start-existing.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import { checkName } from './flags/container.ts';
import { addLimitFlags, type LimitOptions, parseLimits } from './flags/limits.ts';

interface CloneFlags extends LimitOptions {
  readonly name?: string;
  readonly destroy?: boolean;
  readonly force?: boolean;
  readonly run?: boolean;
  readonly pod?: string;
}

export const command: CommandSpec<CloneFlags> = {
  usage: '[options] CONTAINER [NAME [IMAGE]]',
  description:
    'The new container has the flags and volumes of the other one, and limits that are given here instead of its own.\nWhat the other one has written elsewhere is not copied: `commit` keeps that.',
  examples: ['container clone web', 'container clone --run --memory 1g web web2', 'container clone --destroy web web'],
  operands: [1, 3],
  declare(command) {
    command
      .option('--name <name>', 'its name; NAME-clone when absent')
      .option('--destroy', 'remove the other container')
      .option('-f, --force', 'with --destroy, also one that runs')
      .option('--run', 'start it')
      .option('--pod <name>', 'not supported: there are no pods');
    addLimitFlags(command);
  },
  async run({ host, stdout }, [source = '', operand, image], flags) {
    if (flags.pod !== undefined) throw new CtrError('UNSUPPORTED', '--pod is not supported: there are no pods');
    if (flags.force && !flags.destroy) throw new CtrError('USAGE', '--force needs --destroy');
    const name = checkName(flags.name ?? operand);
    const original = resolveContainer(host, source);
    if (flags.destroy && !flags.force && isRunning(readStatus(host, original.id))) {
      throw new CtrError('STATE', `container ${original.name} runs: it is not destroyed`, {
        hint: '--force ends it, `ctr stop` asks it to end',
      });
    }
    const isSameName = name === original.name && flags.destroy === true;
    const clone = await cloneContainer(host, original, {
      ...{ image, limits: parseLimits(flags) },
      name: isSameName ? undefined : name,
    });
    const removal = { force: true, withDependants: false, volumes: false };
    try {
      if (flags.destroy) await removeExisting(host, original.id, removal);
    } catch (error) {
      await removeExisting(host, clone.id, removal);
      throw error;
    }
    if (isSameName) {
      const { renameExisting } = await import('../engine/rename-container.ts');
      await renameExisting(host, clone.id, original.name);
    }
    if (flags.run) await startExisting(host, resolveContainer(host, clone.id));
    stdout.write(`${clone.id}\n`);
    return 0;
  },
};
