/**
 * The half of `ctr system check` that is not images: containers, names, volumes, networks, secrets. What the user has in
 * them cannot be had again by a pull, so repair touches only what no command can see: half-made things, names that lead
 * nowhere. Everything else is reported, with its path, to be decided by its owner.
 */
import { chmodSync, lstatSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { containerIds, listContainers } from './container-store.ts';
import { collectHalfMade } from './gc.ts';
import { hasLayer } from './layer-store.ts';
import { layout } from './layout.ts';
import { lockOf, tryLock } from './lock.ts';
import { readNetworkFile } from './network-store.ts';
import type { Report } from './problem.ts';
import { namesIn } from './roots.ts';
import { readSecretFile } from './secret-store.ts';
import type { RemoveTree } from './staging.ts';
import { readVolume } from './volume-store.ts';

export async function checkObjects(host: Host, report: Report, removeTree?: RemoveTree): Promise<void> {
  await checkContainers(host, report, removeTree);
  await checkNames(host, report);
  await checkVolumes(host, report, removeTree);
  await checkRecords(layout.networks(host), 'network', readNetworkFile, report);
  await checkRecords(layout.secrets(host), 'secret', readSecretFile, report);
  for (const path of recordFiles(layout.secrets(host))) {
    const mode = statSync(path).mode & 0o777;
    if (mode !== 0o600) {
      const text = `others may read it: mode ${mode.toString(8).padStart(4, '0')}, want 0600`;
      await report('secret', path, text, () => chmodSync(path, 0o600));
    }
  }
}

async function checkContainers(host: Host, report: Report, removeTree: RemoveTree | undefined): Promise<void> {
  for (const id of await collectHalfMade(host, { dryRun: true })) {
    const remove = async () => void (await collectHalfMade(host, removeTree ? { removeTree } : {}));
    await report('orphan', layout.container(host, id), 'half-made: its maker ended before it was complete', remove);
  }
  for (const { id, name, driver, diffIds, ownerKind } of listContainers(host).containers) {
    const path = layout.container(host, id);
    const missing = diffIds.find((diffId) => !hasLayer(host, { diffId, kind: ownerKind }));
    if (missing !== undefined && driver !== 'vfs') {
      await report(
        'container',
        path,
        `${name} cannot start: layer ${missing} of its image is not unpacked; pull it again`,
      );
    }
    for (const part of [layout.upper(host, id), layout.work(host, id), layout.rootMount(host, id)]) {
      if (!isDirectory(part)) await report('container', part, `${name} cannot start: the directory is missing`);
    }
    const link = layout.name(host, name);
    if (readLink(link) === undefined) {
      await report('name', link, `container ${id.slice(0, 12)} is not found by its name`, () => symlinkSync(id, link));
    }
  }
}

async function checkNames(host: Host, report: Report): Promise<void> {
  const ids = new Set(containerIds(host));
  for (const file of namesIn(layout.names(host))) {
    const path = `${layout.names(host)}/${file}`;
    const id = readLink(path) ?? '';
    if (!ids.has(id)) await report('orphan', path, 'the name of a container that is gone', () => rmSync(path));
  }
}

async function checkVolumes(host: Host, report: Report, removeTree: RemoveTree | undefined): Promise<void> {
  for (const name of namesIn(layout.volumes(host))) {
    const path = layout.volume(host, name);
    const volume = tryRead(() => readVolume(host, name));
    if (typeof volume === 'string' || volume === undefined) {
      await report('volume', path, `its record cannot be read: ${volume ?? 'it is missing'}; the content is in _data`);
      continue;
    }
    if (
      volume.driver === 'local' &&
      volume.options.device === undefined &&
      !isDirectory(layout.volumeData(host, name))
    ) {
      await report('volume', path, 'its content (_data) is missing');
    }
    const copy = layout.volumeCopy(host, name);
    // Who copies holds the volume's lock.
    using lock = tryLock(lockOf(host, 'volume', name));
    if (lock && lstatSync(copy, { throwIfNoEntry: false })) {
      const remove = () => (removeTree ? removeTree(copy) : rmSync(copy, { recursive: true }));
      await report('orphan', copy, 'a copy of an image’s content that was not finished', remove);
    }
  }
}

/** Each file of records can be read; what a writer left that was killed is an orphan. */
async function checkRecords(
  directory: string,
  kind: 'network' | 'secret',
  read: (path: string) => object | undefined,
  report: Report,
): Promise<void> {
  for (const path of recordFiles(directory)) {
    const record = tryRead(() => read(path));
    if (typeof record === 'string') await report(kind, path, `it cannot be read: ${record}`);
  }
  for (const name of namesIn(directory).filter((one) => one.endsWith('.tmp'))) {
    const path = `${directory}/${name}`;
    await report('orphan', path, 'left by a write that was interrupted', () => rmSync(path));
  }
}

const recordFiles = (directory: string) =>
  namesIn(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${directory}/${name}`);

/** What was read, or why it could not be. */
function tryRead<T extends object>(read: () => T | undefined): T | string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CtrError) return error.message;
    throw error;
  }
}

const isDirectory = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function readLink(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}
