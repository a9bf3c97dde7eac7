/** `ctr container clone` (podman-container-clone(1)): a container made with what another one was made with. */
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { type ContainerRecord, findContainerId } from '../storage/container-store.ts';
import { createContainer } from './create-container.ts';
import type { RunRequest } from './run-request.ts';
import type { LimitsRequest } from './sandbox-request.ts';
import { storedRequest } from './stored-request.ts';

export interface CloneOptions {
  /** Absent: the other's, with `-clone` after it, or `-clone1` and so on. */
  readonly name?: string | undefined;
  readonly image?: string | undefined;
  /** These instead of the other's, one by one. */
  readonly limits?: LimitsRequest | undefined;
}

/** Volumes are shared; what the other has written into its own root file system is not part of the clone. */
export async function cloneContainer(
  host: Host,
  source: ContainerRecord,
  { name, image, limits }: CloneOptions,
): Promise<ContainerRecord> {
  const { cidFile: _, pidFile: _pidFile, ...request } = storedRequest(source);
  if (image !== undefined && request.rootfs) {
    throw new CtrError('USAGE', `container ${source.name} was made of a directory: an image cannot take its place`);
  }
  const clone: RunRequest = {
    ...request,
    name: name ?? freeName(host, source.name),
    replace: false,
    notices: [],
    ...(image === undefined ? {} : { image }),
    ...(limits ? { limits: { ...request.limits, ...limits } } : {}),
  };
  return (await createContainer(host, clone)).container;
}

function freeName(host: Host, name: string): string {
  for (let number = 0; ; number++) {
    const candidate = `${name}-clone${number === 0 ? '' : number}`;
    if (findContainerId(host, candidate) === undefined) return candidate;
  }
}
