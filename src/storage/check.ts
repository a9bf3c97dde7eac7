/**
 * `ctr system check`: is everything that the records promise there and intact? Repair only ever deletes what is
 * provably unusable and can be had again by a pull; a container's own data is never touched.
 */
import { createReadStream, lstatSync, rmSync, statSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { bytesPassed } from '../base/passing-bytes.ts';
import { type Digest, hasherFor } from '../oci/digest.ts';
import { blobPath, hasBlob } from './blob-store.ts';
import { checkObjects } from './check-objects.ts';
import { listBlobs } from './gc.ts';
import { listImages, listTags, readImage, untagImage } from './image-store.ts';
import { layerDir, listLayers, listLinks, readOwnLayer, removeLayer, restoreLink } from './layer-store.ts';
import { layout } from './layout.ts';
import { lockWhenFree, storeLockOf } from './lock.ts';
import type { Problem, Report } from './problem.ts';
import { collectReferences } from './references.ts';
import { namesIn } from './roots.ts';
import { collectOrphans, listOrphans, type RemoveTree } from './staging.ts';

export interface CheckOptions {
  readonly repair?: boolean;
  readonly removeTree?: RemoveTree;
  /** Skip the reading of every blob. */
  readonly quick?: boolean;
}

/** All problems at once, in the order of the layers they lie in. With `repair`, waits until nobody uses the store. */
export async function checkStore(host: Host, options: CheckOptions = {}): Promise<Problem[]> {
  using _lock = await lockWhenFree(storeLockOf(host), options.repair ? 'exclusive' : 'shared', { timeoutMs: 60_000 });
  const check = new StoreCheck(host, options);
  await check.blobs();
  await check.layers();
  await check.links();
  await check.records();
  await check.references();
  await check.objects();
  await check.orphans();
  return check.problems;
}

class StoreCheck {
  readonly problems: Problem[] = [];
  readonly #host: Host;
  readonly #options: CheckOptions;

  constructor(host: Host, options: CheckOptions) {
    this.#host = host;
    this.#options = options;
  }

  async blobs(): Promise<void> {
    if (this.#options.quick) return;
    for (const digest of listBlobs(this.#host)) {
      const path = layout.blob(this.#host, digest);
      if ((await digestOfFile(path, digest)) === digest) continue;
      await this.#report('blob', path, 'the content does not have the digest in its name', () => rmSync(path));
    }
  }

  async layers(): Promise<void> {
    for (const key of listLayers(this.#host)) {
      const remove = async () => void (await removeLayer(this.#host, key, this.#options.removeTree));
      const path = layerDir(this.#host, key);
      if (!isReadable(() => readOwnLayer(this.#host, key) !== undefined)) {
        await this.#report('layer', path, 'not known to be complete (power loss?); it is unpacked again', remove);
      } else if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
        await this.#report('layer', path, 'the tree is missing', remove);
      }
    }
  }

  async links(): Promise<void> {
    for (const { path, target } of listLinks(this.#host)) {
      if (statSync(path, { throwIfNoEntry: false })) continue;
      await this.#report('link', path, `points to ${target}, which does not exist`, () => rmSync(path));
    }
    for (const record of listLayers(this.#host).flatMap((key) => tryRead(() => readOwnLayer(this.#host, key)) ?? [])) {
      const path = `${layout.layerLinks(this.#host)}/${record.link}`;
      if (lstatSync(path, { throwIfNoEntry: false })) continue;
      await this.#report('link', path, 'the short name of a layer is missing', () => restoreLink(this.#host, record));
    }
  }

  async records(): Promise<void> {
    for (const directory of [layout.images(this.#host), layout.tags(this.#host)]) {
      for (const name of namesIn(directory).filter((one) => one.endsWith('.tmp'))) {
        const path = `${directory}/${name}`;
        await this.#report('orphan', path, 'left by a write that was interrupted', () => rmSync(path));
      }
    }
    for (const tag of listTags(this.#host)) {
      if (tryRead(() => readImage(this.#host, tag.id))) continue;
      const path = layout.tag(this.#host, tag.name);
      await this.#report('tag', path, `${tag.name} names an image that is not stored`, () => {
        untagImage(this.#host, tag.name);
      });
    }
  }

  async references(): Promise<void> {
    const { blobs, unreadable } = collectReferences(this.#host);
    for (const [digest, { by, size }] of blobs) {
      if (hasBlob(this.#host, digest, size)) continue;
      await this.#report(
        'reference',
        blobPath(this.#host, digest),
        `missing or cut off; needed by ${by}: pull it again`,
      );
    }
    for (const message of unreadable) await this.#report('record', this.#host.dataRoot, message);
    for (const image of listImages(this.#host)) {
      if (blobs.has(image.config.digest) && image.config.digest === image.id) continue;
      await this.#report('record', layout.images(this.#host), `image ${image.id} is not the digest of its config`);
    }
  }

  async objects(): Promise<void> {
    const report: Report = (...problem) => this.#report(...problem);
    await checkObjects(this.#host, report, this.#options.removeTree);
  }

  async orphans(): Promise<void> {
    const kept = new Set(listOrphans(this.#host));
    if (this.#options.repair) {
      for (const path of (await collectOrphans(this.#host, this.#options.removeTree)).removed) {
        kept.delete(path);
        this.problems.push({ kind: 'orphan', path, message: 'left by a process that ended', isRepaired: true });
      }
    }
    for (const path of kept) await this.#report('orphan', path, 'left by a process that ended');
  }

  async #report(kind: Problem['kind'], path: string, message: string, repair?: () => void | Promise<void>) {
    const isRepaired = this.#options.repair === true && repair !== undefined;
    if (isRepaired) await repair();
    this.problems.push({ kind, path, message, isRepaired });
  }
}

async function digestOfFile(path: string, expected: Digest): Promise<Digest> {
  const hasher = hasherFor(expected);
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    hasher.update(chunk);
    bytesPassed(chunk.length);
  }
  return hasher.digest();
}

/** Damaged records throw CtrError; here that is an answer. */
function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CtrError) return undefined;
    throw error;
  }
}

const isReadable = (read: () => boolean) => tryRead(read) === true;
