/** The trees of a container, for whoever works on its files: as it runs, as it would run, and by its layers. */
import { dirname } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile } from '../base/json-file.ts';
import type { IdMaps } from '../ns/id-maps.ts';
import type { Step } from '../ns/steps.ts';
import { array, object, optional, string } from '../oci/check.ts';
import { readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { layout } from '../storage/layout.ts';
import type { FilesPlace } from './container-files.ts';
import { containerIds } from './container-ids.ts';
import { lowerLayers, rootfsFor } from './rootfs.ts';
import { storedRequest } from './stored-request.ts';

/** What the container sees, to be read and written: of one that does not run, without its volumes. */
export function liveTree(host: Host, container: ContainerRecord): FilesPlace {
  const state = readRunningState(host, container.id);
  if (state) return { kind: 'running', init: state.init };
  const maps = ownMaps(host, container);
  const { plan, prepare } = rootfsFor(host, container, storedRequest(container));
  if (prepare) {
    throw new CtrError(
      'UNSUPPORTED',
      `the files of container ${container.name} cannot be reached while it does not run`,
      {
        hint: `storage driver ${container.driver}: start the container first`,
      },
    );
  }
  if (plan.kind === 'directory') return { kind: 'mounted', steps: [], root: plan.source, maps };
  const root = layout.rootMount(host, container.id);
  return { kind: 'mounted', steps: [{ ...plan, kind: 'overlay', target: root }], root, maps };
}

/**
 * What `export`, `diff` and `commit` read, whether it runs or not: below one root, `/merged`, and where changes are kept
 * apart also `/upper` and `/lower`. No volume and no mount of the container is in sight.
 */
export function layerTrees(host: Host, container: ContainerRecord): FilesPlace {
  const { rootfs } = storedRequest(container);
  const maps = ownMaps(host, container);
  // A directory that is there with every driver; what lies below the mount is not needed.
  const root = layout.work(host, container.id);
  const plain = rootfs && !rootfs.overlay ? rootfs.path : undefined;
  const whole = plain ?? (container.driver === 'vfs' ? layout.rootMount(host, container.id) : undefined);
  if (whole !== undefined) {
    return { kind: 'mounted', root, maps, steps: [...emptyRoot(root, ['merged']), bind(whole, `${root}/merged`)] };
  }
  const { names } = lowerLayers(host, container, rootfs);
  // Without an upper directory overlay wants two lower ones.
  const empty = `../../containers/${container.id}/work/empty`;
  const overlay = (lower: readonly string[], target: string): Step => ({
    kind: 'overlay',
    cwd: layout.layerLinks(host),
    options: overlayOptions({ lower: [...lower, empty] }),
    target,
    layers: lower.length,
  });
  const base = names.length > 0 ? names : [`../../containers/${container.id}/rootfs`];
  return {
    kind: 'mounted',
    root,
    maps,
    steps: [
      ...emptyRoot(root, ['merged', 'upper', 'lower', 'empty']),
      bind(layout.upper(host, container.id), `${root}/upper`),
      overlay(base, `${root}/lower`),
      overlay([`../../containers/${container.id}/upper`, ...base], `${root}/merged`),
    ],
  };
}

/**
 * `layerTrees` of a commit: in single-id mode the image's layers too, each with the file of owners beside it, in
 * `/layers/0/diff` (the uppermost), `/layers/1/diff`, ….
 */
export function layerTreesWithOwners(host: Host, container: ContainerRecord): { place: FilesPlace; layers: string[] } {
  const place = layerTrees(host, container);
  if (container.ownerKind !== 's' || place.kind !== 'mounted') return { place, layers: [] };
  const { stack } = lowerLayers(host, container);
  const root = `${place.root}/layers`;
  const steps = stack.flatMap((diffDir, index): Step[] => [
    { kind: 'make-directory', path: `${root}/${index}`, mode: 0o755 },
    bind(dirname(diffDir), `${root}/${index}`),
  ]);
  const all: Step[] = [...place.steps, { kind: 'make-directory', path: root, mode: 0o755 }, ...steps];
  return { place: { ...place, steps: all }, layers: stack.map((_, index) => `/layers/${index}/diff`) };
}

/** Where layers were unpacked for a map of its own, owners on the disk are those of that map. */
function ownMaps(host: Host, container: ContainerRecord): IdMaps | undefined {
  return container.ownerKind.startsWith('x') ? containerIds(host, storedRequest(container)).maps : undefined;
}

/** Whether changes are kept apart from what the container began with. */
export function requireUpper({ name, driver, ...container }: ContainerRecord, verb: string): void {
  const { rootfs } = storedRequest(container);
  if (driver !== 'vfs' && !(rootfs && !rootfs.overlay)) return;
  throw new CtrError('UNSUPPORTED', `${verb} of container ${name}: its changes are not kept apart`, {
    hint: driver === 'vfs' ? 'the storage driver vfs copies; overlay does not' : 'it was made with --rootfs',
  });
}

/** A file system in memory with these directories, over `root`. */
export function emptyRoot(root: string, directories: readonly string[]): Step[] {
  return [
    { kind: 'new-filesystem', mount: 'trees', type: 'tmpfs', options: ['mode=0755'], attributes: [] },
    { kind: 'attach', mount: 'trees', path: root, followSymlink: false },
    ...directories.map((name): Step => ({ kind: 'make-directory', path: `${root}/${name}`, mode: 0o755 })),
  ];
}

export const bind = (source: string, target: string): Step => ({ kind: 'bind-root', source, target });

const mountsOf = object({
  mounts: array(object({ destination: string })),
  linux: object({ devices: optional(array(object({ path: string }))) }),
  process: object({ cwd: string }),
});

/** Where something was mounted when the container last ran: what is in the upper directory there is a mere mount point. */
export function mountPointsOf(host: Host, id: string): string[] {
  const path = layout.containerConfig(host, id);
  const value = readJsonFile(path);
  if (value === undefined) return [];
  const { mounts, linux } = mountsOf(value, path);
  return [...mounts.map(({ destination }) => destination), ...(linux.devices ?? []).map((device) => device.path)];
}
