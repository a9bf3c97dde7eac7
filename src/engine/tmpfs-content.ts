/**
 * `tmpcopyup`: a tmpfs begins with what the image has at its place (Podman's default for --tmpfs and --read-only).
 *
 * An empty directory of the image, the usual case, costs nothing: the tmpfs gets its mode. Otherwise a second Node fills
 * the tmpfs in the container's mount namespace while its first process waits; the plan then takes it from there.
 */
import { mkdirSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import type { Step } from '../ns/steps.ts';
import type { RuntimeConfig, RuntimeMount } from '../oci/runtime.ts';
import { layout } from '../storage/layout.ts';
import { lookAt } from './volumes.ts';

export interface FilledMounts {
  /** For the plan; the container's config.json keeps what was asked for. */
  readonly config: RuntimeConfig;
  readonly prepare?: (pid: number) => Promise<void>;
}

/** `maps`: of a container in which the caller has no id; its mount namespace cannot be worked in then. */
export function fillMemory(
  host: Host,
  id: string,
  config: RuntimeConfig,
  stack: readonly string[],
  maps?: IdMaps,
): FilledMounts {
  const root = maps && { uid: hostId(maps.uid), gid: hostId(maps.gid) };
  const fills: Array<(pid: number) => Promise<void>> = [];
  const mounts = config.mounts.map((mount, index): RuntimeMount => {
    if (mount.type !== 'tmpfs' || !mount.options.includes('tmpcopyup')) return mount;
    const found = lookAt(stack, mount.destination, root);
    if (!found) return mount;
    const hasMode = mount.options.some((word) => word.startsWith('mode='));
    const mode = hasMode || found.mode === undefined ? [] : [`mode=${found.mode.toString(8)}`];
    const options = [...mount.options, ...mode];
    if (found.isEmpty && found.isOurs) return { ...mount, options };
    if (root) {
      throw new CtrError('UNSUPPORTED', `tmpfs ${mount.destination}: what the image has there cannot be copied`, {
        hint: 'your own id needs a place in the container for it; `--tmpfs PATH:notmpcopyup` begins empty',
      });
    }
    // The config's own mounts and the request's are numbered apart.
    const scratch = layout.containerMount(host, id, 1000 + index);
    mkdirSync(scratch, { recursive: true });
    const hasOwner = hasMode || mount.options.some((word) => /^[ug]id=/.test(word));
    fills.push((join) => fill(host, { join, scratch, mount: { ...mount, options }, stack, contentOnly: hasOwner }));
    const attributes = mount.options.filter((word) => !isData(word) && word !== 'tmpcopyup');
    return { ...mount, type: 'bind', source: scratch, options: ['bind', ...attributes] };
  });
  if (fills.length === 0) return { config: { ...config, mounts } };
  const prepare = async (pid: number) => {
    for (const each of fills) await each(pid);
  };
  return { config: { ...config, mounts }, prepare };
}

const hostId = (map: IdMaps['uid']) => map.find(({ containerID }) => containerID === 0)?.hostID;

/** Words for the file system itself, not for its mount. */
const isData = (word: string) => word.includes('=') || word === 'noswap';

interface Fill {
  readonly join: number;
  readonly scratch: string;
  readonly mount: RuntimeMount;
  readonly stack: readonly string[];
  readonly contentOnly: boolean;
}

async function fill(host: Host, { join, scratch, mount, stack, contentOnly }: Fill): Promise<void> {
  const { runStorageJob } = await import('./storage-job.ts');
  const path = mount.destination;
  const steps: Step[] = [
    { kind: 'new-filesystem', mount: path, type: 'tmpfs', options: mount.options.filter(isData), attributes: [] },
    { kind: 'attach', mount: path, path: scratch, followSymlink: false },
  ];
  const job = { op: 'copy', layers: stack, path, target: scratch, contentOnly } as const;
  await runStorageJob(host, `copy ${path} of the image into memory`, job, { join, steps });
}
