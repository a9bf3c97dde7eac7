import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { removeVolume, volumeUsers } from '../engine/volume-use.ts';
import { listVolumes, resolveVolume, type VolumeRecord } from '../storage/volume-store.ts';
import type { CommandSpec } from './command.ts';
import { reportAll } from './container-operands.ts';

interface VolumeRmFlags {
  readonly all?: boolean;
  readonly force?: boolean;
  readonly time: string;
}

export const command: CommandSpec<VolumeRmFlags> = {
  usage: '[options] VOLUME [VOLUME...]',
  description: 'Exits with 1 when a volume is not there and with 2 when a container has it.',
  examples: ['volume rm data', 'volume rm --force data', 'volume rm --all'],
  operands: [0, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all', 'remove all volumes')
      .option('-f, --force', 'remove the containers that have it, too; one that is not there is no error')
      .option('-t, --time <seconds>', 'with --force: how long a container has to stop', '10');
  },
  async run(context, names, { all, force, time }) {
    const { host } = context;
    if (!all && names.length === 0) throw new CtrError('USAGE', 'volume name must be specified');
    const wanted = all ? listVolumes(host).map(({ name }) => name) : names;
    const errors: unknown[] = [];
    for (const name of wanted) {
      try {
        const volume = resolveVolume(host, name);
        if (force) await removeUsers(host, volume, Number(time) * 1000);
        await removeVolume(host, volume);
        context.stdout.write(`${volume.name}\n`);
      } catch (error) {
        if (!(force && error instanceof CtrError && error.code === 'NOT_FOUND')) errors.push(error);
      }
    }
    return reportAll(context, errors);
  },
};

async function removeUsers(host: Host, { name }: VolumeRecord, timeoutMs: number): Promise<void> {
  const { removeExisting } = await import('../engine/remove-existing.ts');
  for (const { id } of volumeUsers(host).get(name) ?? []) {
    await removeExisting(host, id, { force: true, withDependants: true, volumes: false, timeoutMs });
  }
}
