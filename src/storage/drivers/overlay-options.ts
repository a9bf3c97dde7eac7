/** The option string of an overlay mount (kernel documentation, filesystems/overlayfs). */
import { CtrError } from '../../base/ctr-error.ts';

export interface OverlayDirectories {
  /** Uppermost first; relative to the working directory of whoever mounts (layers/l), to be short. */
  readonly lower: readonly string[];
  /** Without upper and work the mount is read-only; it needs two lower directories then. */
  readonly upper?: { readonly upperDir: string; readonly workDir: string };
}

/** mount(2) copies one page, with the final NUL. */
export const maxOptionBytes = 4096 - 1;
/** OVL_MAX_STACK in fs/overlayfs. */
const maxLowerDirectories = 500;

/** For `overlay` in a user namespace; `extra` are options such as `userxattr` or `volatile`. */
export function overlayOptions(directories: OverlayDirectories, extra: readonly string[] = ['userxattr']): string {
  const { lower, upper } = directories;
  if (lower.length > maxLowerDirectories) throw tooMany(lower.length, `at most ${maxLowerDirectories}`);
  const parts = [`lowerdir=${lower.map(escapeLower).join(':')}`];
  if (upper) parts.push(`upperdir=${escapeOption(upper.upperDir)}`, `workdir=${escapeOption(upper.workDir)}`);
  const options = [...parts, ...extra].join(',');
  if (Buffer.byteLength(options) > maxOptionBytes) throw tooMany(lower.length, `${maxOptionBytes} bytes of options`);
  return options;
}

/** Options end at `,` and `\` takes the meaning of the next character away. */
const escapeOption = (path: string) => path.replace(/[\\,]/g, '\\$&');

/** In lowerdir, `:` is the separator as well. */
const escapeLower = (path: string) => path.replace(/[\\,:]/g, '\\$&');

function tooMany(count: number, limit: string): CtrError {
  return new CtrError('UNSUPPORTED', `overlay cannot stack ${count} layers: the kernel takes ${limit}`, {
    hint: 'use --storage-driver vfs, a shorter --root, or build the image with --squash',
  });
}
