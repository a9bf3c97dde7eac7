/** What `--opt type=…,o=…,device=…` of a local volume means (podman-volume-create(1)): pure. */
import { CtrError } from '../base/ctr-error.ts';
import type { RuntimeMount } from '../oci/runtime.ts';

type Options = Readonly<Record<string, string>>;
type VolumeMount = Pick<RuntimeMount, 'type' | 'source' | 'options'>;

const bindTypes = ['', 'none', 'bind'];

/** Throws for what an unprivileged user cannot mount, with the reason. */
export function checkVolumeOptions(options: Options): void {
  const unknown = Object.keys(options).find((key) => !['type', 'o', 'device'].includes(key));
  if (unknown !== undefined) {
    throw new CtrError('USAGE', `unknown option ${JSON.stringify(unknown)} of a local volume`, {
      hint: 'options are type=, device= and o=, as in mount(8)',
    });
  }
  const { type = '', device = '' } = options;
  if (Object.keys(options).length === 0) return;
  if (type === 'tmpfs') return;
  if (!bindTypes.includes(type)) {
    throw new CtrError('UNSUPPORTED', `a volume of type ${type} needs root: the kernel lets no user mount it`, {
      hint: 'mount it on the host (fstab, autofs) and use type=none,o=bind,device=PATH',
    });
  }
  if (!device.startsWith('/')) {
    throw new CtrError('USAGE', `device=${device}: want the absolute path of a directory`, {
      hint: '--opt type=none --opt o=bind --opt device=/path',
    });
  }
}

/** What is mounted: the volume's own directory, a tmpfs (one for each container), or the directory that is its device. */
export function volumeMountOf(options: Options, ownDirectory: string): VolumeMount {
  const words = (options.o ?? '').split(',').filter((word) => word !== '');
  if (options.type === 'tmpfs') return { type: 'tmpfs', source: 'tmpfs', options: words };
  const source = options.device ?? ownDirectory;
  return { type: 'bind', source, options: words.filter((word) => word !== 'bind') };
}

/** Whether its content is in its own directory, below the data root. */
export const hasOwnDirectory = (options: Options): boolean => options.type !== 'tmpfs' && options.device === undefined;
