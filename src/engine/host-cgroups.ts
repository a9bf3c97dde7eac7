/** Where this process is in the cgroup hierarchies and what it may control there (cgroups(7)). */
import { accessSync, constants } from 'node:fs';
import { readKernelFile } from '../linux/host-files.ts';

export interface HostCgroups {
  /** 1 also for hybrid hosts: controllers are in the v1 hierarchies there. */
  readonly version: 1 | 2;
  /** Own directory below /sys/fs/cgroup, on v2. */
  readonly path: string | undefined;
  /** What the own cgroup may hand to children; on v1 what is mounted. */
  readonly controllers: readonly string[];
  readonly isDelegated: boolean;
}

const mountPoint = '/sys/fs/cgroup';

export function readCgroups(): HostCgroups {
  const lines = (readKernelFile('/proc/self/cgroup') ?? '').split('\n');
  const own = lines.find((line) => line.startsWith('0::'))?.slice('0::'.length);
  const rootControllers = readKernelFile(`${mountPoint}/cgroup.controllers`);
  if (own === undefined || rootControllers === undefined) {
    const controllers = lines.map((line) => line.split(':')[1] ?? '').filter((name) => /^\w/.test(name));
    const names = controllers.filter((name) => !name.startsWith('name='));
    return { version: 1, path: undefined, controllers: names, isDelegated: false };
  }
  const path = `${mountPoint}${own === '/' ? '' : own}`;
  const controllers = (readKernelFile(`${path}/cgroup.controllers`) ?? '').split(/\s+/).filter((name) => name !== '');
  return { version: 2, path, controllers, isDelegated: canWrite(path) };
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
