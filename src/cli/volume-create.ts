import { CtrError } from '../base/ctr-error.ts';
import { createVolume } from '../engine/volume-verbs.ts';
import { readVolume } from '../storage/volume-store.ts';
import { type CommandSpec, collect } from './command.ts';
import { recordOf } from './flags/key-value.ts';

interface VolumeCreateFlags {
  readonly driver: string;
  readonly ignore?: boolean;
  readonly label: readonly string[];
  readonly name?: string;
  readonly opt: readonly string[];
}

export const command: CommandSpec<VolumeCreateFlags> = {
  usage: '[options] [NAME]',
  description:
    'Make a volume and print its name. Options of a local volume are type, device and o, as in mount(8): a tmpfs\n(one for each container), or a directory of yours.',
  examples: [
    'volume create data',
    'volume create --label team=web --opt type=tmpfs --opt o=size=64m scratch',
    'volume create --opt type=none --opt o=bind --opt device=/srv/data mine',
  ],
  operands: [0, 1],
  declare(command) {
    command
      .option('-d, --driver <name>', 'local, or the name of a plugin', 'local')
      .option('--ignore', 'a volume that is there already is no error')
      .option('-l, --label <key=value>', 'add a label', collect, [])
      .option('--name <name>', 'its name, as an argument gives it too')
      .option('-o, --opt <key=value>', 'an option for the driver', collect, []);
  },
  async run({ host, stdout, compat }, [operand], flags) {
    const name = operand ?? flags.name;
    if (name !== undefined && !flags.ignore && compat === 'podman' && readVolume(host, name)) {
      throw new CtrError('EXISTS', `volume with name ${name} already exists: volume already exists`, {
        hint: 'give --ignore if that is all right',
      });
    }
    const volume = await createVolume(host, {
      ...(name === undefined ? {} : { name }),
      driver: flags.driver,
      labels: recordOf('--label', flags.label),
      options: recordOf('--opt', flags.opt),
      isAnonymous: name === undefined,
    });
    stdout.write(`${volume.name}\n`);
    return 0;
  },
};
