/** Where a container's root file system comes from: its layers under an overlay with its own upper directory, or a directory. */
import { mkdirSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { RootPlan } from '../ns/plan.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { overlayOptions } from '../storage/drivers/overlay-options.ts';
import { layerDir, readLayer } from '../storage/layer-store.ts';
import { layout } from '../storage/layout.ts';
import type { RunRequest } from './run-request.ts';

export interface Rootfs {
  readonly plan: RootPlan;
  /** The directories that are stacked, uppermost first: where /etc/passwd is looked up before anything is mounted. */
  readonly stack: readonly string[];
}

/** The directories of a container that overlay needs. Idempotent. */
export function makeRootDirectories(host: Host, id: string): void {
  for (const path of [layout.upper(host, id), layout.work(host, id), layout.rootMount(host, id)]) {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  }
}

export function rootfsFor(host: Host, container: ContainerRecord, rootfs: RunRequest['rootfs']): Rootfs {
  const upper = layout.upper(host, container.id);
  if (rootfs && !rootfs.overlay) return { plan: { kind: 'directory', source: rootfs.path }, stack: [rootfs.path] };
  const upperDirs = {
    upperDir: `../../containers/${container.id}/upper`,
    workDir: `../../containers/${container.id}/work`,
  };
  const cwd = layout.layerLinks(host);
  mkdirSync(cwd, { recursive: true });
  const { names, stack } = rootfs ? { names: [rootfs.path], stack: [rootfs.path] } : lowerLayers(host, container);
  // overlay wants a lower directory; an image without layers gets an empty one.
  const lower = names.length > 0 ? names : [`../../containers/${container.id}/rootfs`];
  const options = overlayOptions({ lower, upper: upperDirs });
  return { plan: { kind: 'overlay', cwd, options, layers: names.length }, stack: [upper, ...stack] };
}

/** Uppermost first. */
function lowerLayers(host: Host, { diffIds, ownerKind: kind }: ContainerRecord): { names: string[]; stack: string[] } {
  const keys = diffIds.map((diffId) => ({ diffId, kind })).reverse();
  const names = keys.map((key) => {
    const layer = readLayer(host, key);
    if (layer) return layer.link;
    throw new CtrError('STATE', `layer ${key.diffId} of the container's image is not unpacked`, {
      hint: 'pull the image again: what is there is kept',
    });
  });
  return { names, stack: keys.map((key) => layerDir(host, key)) };
}
