/**
 * The second Node for files of containers: it runs in their user namespace, makes the tree that it works on its root
 * directory, and packs, unpacks or compares there. What a container does to its files meanwhile can lead it nowhere
 * else. container-files.ts starts it.
 */
import { createReadStream, lstatSync, realpathSync, writeSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import { writeAll } from '../base/json-file.ts';
import { type ByteString, fromText, toPath } from '../image/layer/byte-string.ts';
import { type PackOptions, packTree } from '../image/layer/pack.ts';
import { TarReader } from '../image/layer/tar-reader.ts';
import { describeError } from '../image/layer/unpack-protocol.ts';
import { changeRoot } from '../linux/files.ts';
import { parseJson } from '../oci/check.ts';
import { OwnerBook } from './build/owner-book.ts';
import { changesIn, namesToPack } from './container-changes.ts';
import { type FilesJob, filesJob } from './container-files-job.ts';
import { TreePlacer } from './container-files-place.ts';

/** Returns the exit code; a failure is one line of JSON on stderr. */
export async function runFilesWorker(text: string): Promise<number> {
  process.umask(0);
  try {
    const job = parseJson(text, 'files job', filesJob);
    // What is loaded on first use is used before there is nothing to load it from.
    const input = createReadStream('', { fd: 0, highWaterMark: 256 * 1024 });
    await new Promise(setImmediate);
    // The loader would keep its code cache when this ends: below the new root, which is none of its business.
    process.removeAllListeners('exit');
    if (process.geteuid?.() !== 0) takeRoot();
    changeRoot(job.root);
    await run(job, input);
    return 0;
  } catch (error) {
    writeSync(2, `${JSON.stringify(describeError(error))}\n`);
    return 1;
  }
}

/** The worker has the powers of the container's root under the id of the caller, who has none in there. */
function takeRoot(): void {
  process.setgroups?.([]);
  process.setgid?.(0);
  process.setuid?.(0);
}

async function run(job: FilesJob, input: AsyncIterable<Buffer>): Promise<void> {
  switch (job.op) {
    case 'pack':
      return pack(job);
    case 'place':
      return place(job, input);
    case 'diff':
      return writeAll(1, Buffer.from(JSON.stringify(changesIn('/upper', '/lower', job.mountPoints))));
    case 'layer': {
      const names = namesToPack(changesIn('/upper', '/lower', job.mountPoints));
      const owners = ownersIn('/upper', job);
      return write(packTree('/upper', '', { ...owners, skip: (name) => !names.has(name), isLive: true }));
    }
    case 'flatten':
      return write(packTree('/merged', '', { ...ownersIn('/merged', job), isMerged: true, isLive: true }));
  }
}

/** In single-id mode the disk shows one owner: the others are written down beside the image's layers. */
function ownersIn(tree: string, { isSingle, layers }: FilesJob): Pick<PackOptions, 'owners'> {
  if (!isSingle) return {};
  const [book, below] = [new OwnerBook(layers), layers.map(fromText)];
  const get = (name: ByteString) => {
    const stat = lstatSync(toPath(`${fromText(tree)}/${name}`), { throwIfNoEntry: false });
    return stat && book.inherited(below, name, stat);
  };
  return { owners: { get } };
}

async function pack({ path, follow, contentOnly }: FilesJob): Promise<void> {
  const found = resolved(path, follow || contentOnly);
  const isDirectory = lstatSync(found).isDirectory();
  if ((contentOnly || path.endsWith('/')) && !isDirectory) throw new CtrError('INVALID', `${path} is not a directory`);
  const name = path.split('/').findLast((part) => part !== '' && part !== '.') ?? '';
  await write(packTree(fromText(found), contentOnly ? '' : fromText(name), { isMerged: true, isLive: true }));
}

function resolved(path: string, follow: boolean): string {
  try {
    if (follow || path.endsWith('/')) return realpathSync(path);
    const slash = path.lastIndexOf('/');
    const whole = `${realpathSync(path.slice(0, slash) || '/')}/${path.slice(slash + 1)}`.replace(/^\/\//, '/');
    lstatSync(whole);
    return whole;
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause;
    throw new CtrError('NOT_FOUND', `${path} could not be found`);
  }
}

async function place(job: FilesJob, input: AsyncIterable<Buffer>): Promise<void> {
  const placer = new TreePlacer(job);
  const reader = new TarReader(placer);
  for await (const chunk of input) reader.push(chunk);
  reader.finish();
  placer.finish();
}

async function write(pieces: AsyncIterable<Buffer>): Promise<void> {
  for await (const piece of pieces) writeAll(1, piece);
}
