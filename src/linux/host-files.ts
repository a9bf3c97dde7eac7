/** Looks at the host's files that never fail: a small kernel file, a program in PATH. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';

/** The content of a small kernel file, or undefined when it is not there or not readable. */
export function readKernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** As uname(2) has it, which costs the loading of node:os. */
export const kernelRelease = (): string => readKernelFile('/proc/sys/kernel/osrelease') ?? '0';

/** As gethostname(2) has it. */
export const hostName = (): string => readKernelFile('/proc/sys/kernel/hostname') ?? 'localhost';

/** The path of an executable file called `name` in `path` ($PATH), or undefined. */
export function findExecutable(name: string, path: string): string | undefined {
  return path
    .split(':')
    .map((folder) => `${folder || '.'}/${name}`)
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}
