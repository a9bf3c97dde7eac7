/**
 * The build's second Node: one for the whole build, inside the user namespace, where files of every owner can be made
 * and read. It does what it is told line by line and ends with its input, whatever became of the one who gave the orders.
 */
import { chmodSync, createReadStream, lchownSync, mkdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { removeTreeNow } from '../../base/remove-tree.ts';
import { fromText } from '../../image/layer/byte-string.ts';
import { decompress } from '../../image/layer/decompress.ts';
import { TarReader } from '../../image/layer/tar-reader.ts';
import { LayerWriter } from '../../image/layer/unpack.ts';
import { describeError, linesOf } from '../../image/layer/unpack-protocol.ts';
import { moveChanges, type Snapshot, takeSnapshot } from './copied-root.ts';
import { settleMarks } from './fuse-marks.ts';
import { LayerPlacer } from './layer-place.ts';
import { markRemovals } from './layer-removals.ts';
import { packSealed, sealLayer } from './layer-seal.ts';
import { listFiles } from './list-files.ts';
import type { OwnerBook } from './owner-book.ts';
import type { ExtractOrder, WorkerOrder } from './worker-orders.ts';

/** The owners of layers that are placed and not sealed yet. */
type Placed = Map<string, OwnerBook>;
/** Of roots that a RUN is changing. */
type Snapshots = Map<string, Snapshot>;

interface Memory {
  readonly guarded: Set<string>;
  readonly placed: Placed;
  readonly snapshots: Snapshots;
}

export async function runBuildWorker(input: AsyncIterable<Buffer | string>): Promise<void> {
  process.umask(0);
  const guarded = new Set<string>();
  const placed: Placed = new Map();
  const snapshots: Snapshots = new Map();
  try {
    for await (const line of linesOf(input)) {
      // Both ends are this program; nothing in between could have changed the line.
      const order = JSON.parse(line) as WorkerOrder;
      try {
        answer({ ok: true, value: await obey(order, { guarded, placed, snapshots }) });
      } catch (error) {
        answer({ ok: false, error: describeError(error) });
      }
    }
  } finally {
    for (const path of guarded) rmSync(path, { recursive: true, force: true });
  }
}

const answer = (message: object) => void writeSync(1, `${JSON.stringify(message)}\n`);

async function obey(order: WorkerOrder, { guarded, placed, snapshots }: Memory): Promise<unknown> {
  switch (order.op) {
    case 'place': {
      const placer = new LayerPlacer(order);
      placer.run();
      placed.set(order.target, placer.owners);
      return {};
    }
    case 'seal': {
      const book = placed.get(order.directory);
      placed.delete(order.directory);
      return sealLayer(order, book);
    }
    case 'remove-below':
      markRemovals(fromText(order.target), order.upper.map(fromText), order.below.map(fromText));
      return {};
    case 'list-files':
      return listFiles(order.layers);
    case 'pack':
      return packSealed(order);
    case 'extract':
      return extract(order);
    case 'remove':
      for (const path of order.paths) {
        removeTreeNow(path);
        guarded.delete(path);
      }
      return {};
    case 'snapshot':
      snapshots.set(order.root, takeSnapshot(order.root));
      return {};
    case 'changes': {
      const before = snapshots.get(order.root);
      if (before) moveChanges(order.root, order.upper, before);
      snapshots.delete(order.root);
      return {};
    }
    case 'marks':
      settleMarks(order.upper, order.lower);
      return {};
    case 'chown':
      lchownSync(order.path, order.uid, order.gid);
      chmodSync(order.path, order.mode);
      return {};
    case 'guard':
      for (const path of order.paths) guarded.add(path);
      return {};
    default:
      return order satisfies never;
  }
}

async function extract({ archive, target, isSingle }: ExtractOrder): Promise<object> {
  mkdirSync(`${target}/diff`, { recursive: true, mode: 0o755 });
  const writer = new LayerWriter(`${target}/diff`, isSingle ? 'single' : 'mapped');
  const reader = new TarReader(writer);
  try {
    for await (const bytes of decompress(createReadStream(archive))) reader.push(bytes);
    reader.finish();
  } finally {
    writer.abandon();
  }
  const { owners } = writer.finish();
  if (owners !== '') writeFileSync(`${target}/owners`, owners);
  return {};
}
