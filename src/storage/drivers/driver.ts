/**
 * The storage drivers, best first, and the verdict on which of them works here. Trying needs a user namespace and is
 * done elsewhere (engine); the verdict is kept until the boot, the kernel or the file system is another one.
 */

import { mkdirSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { readJsonFile, writeJsonFile } from '../../base/json-file.ts';
import { kernelRelease } from '../../linux/host-files.ts';
import { bootId } from '../../linux/process-identity.ts';
import { array, type Check, literal, object, string } from '../../oci/check.ts';
import { layout } from '../layout.ts';

export const storageDrivers = ['overlay', 'fuse-overlayfs', 'vfs'] as const;
export type StorageDriver = (typeof storageDrivers)[number];

export interface DriverVerdict {
  readonly driver: StorageDriver;
  /** Why the better drivers were not taken, for `ctr info`. */
  readonly reasons: readonly string[];
}

const storedVerdict: Check<DriverVerdict & { readonly valid: string }> = object({
  valid: string,
  driver: literal(...storageDrivers),
  reasons: array(string),
});

/** Check a name given by the user (`--storage-driver`, STORAGE_DRIVER). */
export function parseStorageDriver(name: string): StorageDriver {
  const driver = storageDrivers.find((known) => known === name);
  if (driver) return driver;
  throw new CtrError('USAGE', `unknown storage driver ${JSON.stringify(name)}`, {
    hint: `known drivers: ${storageDrivers.join(', ')}`,
  });
}

/** The verdict for this data root; undefined when it has to be found (again). */
export function readVerdict(host: Host): DriverVerdict | undefined {
  try {
    const value = readJsonFile(layout.driverVerdict(host));
    if (value === undefined) return undefined;
    const { valid, ...verdict } = storedVerdict(value, 'storage driver verdict');
    return valid === validity(host) ? verdict : undefined;
  } catch {
    // A cache that cannot be read is no cache.
    return undefined;
  }
}

export function writeVerdict(host: Host, verdict: DriverVerdict): void {
  mkdirSync(dirname(layout.driverVerdict(host)), { recursive: true });
  writeJsonFile(layout.driverVerdict(host), { ...verdict, valid: validity(host) });
}

/** What the verdict depends on. */
function validity(host: Host): string {
  return [bootId(), kernelRelease(), statfsSync(host.dataRoot).type, host.dataRoot, host.uid].join(' ');
}
