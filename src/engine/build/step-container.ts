/** The container of a RUN, and the directory that it changes: an overlay's upper one, or with vfs a copy of the image. */
import { mkdirSync, renameSync } from 'node:fs';
import type { Defer } from '../../base/defer.ts';
import { sleep } from '../../base/sleep.ts';
import { allocateContainer, type ContainerRecord } from '../../storage/container-store.ts';
import { layout } from '../../storage/layout.ts';
import { finishContainer } from '../finish-container.ts';
import { makeRoot } from '../rootfs.ts';
import type { RunRequest } from '../run-request.ts';
import { type Build, diffIdsOf, type StageState } from './build-state.ts';
import { tickMs } from './copied-root.ts';
import { layersBelow } from './new-layer.ts';

/** Not started yet; `undo` gets what removes it and its files. */
export async function stepContainer(
  { host, driver, ownerKind, worker }: Build,
  state: StageState,
  request: RunRequest,
  undo: Defer,
): Promise<ContainerRecord> {
  using allocated = allocateContainer(host);
  const source = { id: allocated.id, diffIds: diffIdsOf(state), ownerKind, driver };
  await makeRoot(host, source, undefined);
  const { env: _env, ...stored } = request;
  const container = allocated.commit({
    ...source,
    createdAt: new Date().toISOString(),
    command: request.command,
    labels: {},
    request: { ...stored, env: [] },
  });
  undo.push(async () => {
    const paths = [layout.upper, layout.work, layout.rootMount].map((path) => path(host, container.id));
    await worker.ask({ op: 'remove', paths });
    await finishContainer(host, container);
  });
  return container;
}

/**
 * Called before it starts; the returned function gives its changes, as an upper directory of overlayfs, which goes away
 * with the build. The container is not whole any more then.
 */
export async function watchChanges(
  build: Build,
  state: StageState,
  { id, driver }: ContainerRecord,
): Promise<() => Promise<string>> {
  const { host, worker, scratch } = build;
  const upper = () => `${scratch.directory()}/upper`;
  if (driver !== 'vfs') {
    return async () => {
      const kept = upper();
      await worker.ask({ op: 'remove', paths: [layout.work(host, id)] });
      renameSync(layout.upper(host, id), kept);
      const lower = layersBelow(build, state);
      if (driver === 'fuse-overlayfs') await worker.ask({ op: 'marks', upper: kept, lower });
      return kept;
    };
  }
  const root = layout.rootMount(host, id);
  await worker.ask({ op: 'snapshot', root });
  await sleep(tickMs);
  return async () => {
    const kept = upper();
    mkdirSync(kept, { mode: 0o755 });
    await worker.ask({ op: 'changes', root, upper: kept });
    return kept;
  };
}

/** What one container made of its image becomes that of another, which has not been started. */
export async function inheritFiles({ host, worker }: Build, from: ContainerRecord, to: ContainerRecord): Promise<void> {
  const place = to.driver === 'vfs' ? layout.rootMount : layout.upper;
  await worker.ask({ op: 'remove', paths: [layout.work(host, from.id), place(host, to.id)] });
  renameSync(place(host, from.id), place(host, to.id));
}
