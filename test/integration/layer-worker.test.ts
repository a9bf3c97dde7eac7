/** The unpack worker as a real process in a real user namespace, and the client that talks to it. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from 'vitest';
import { createLayerUnpacker } from '../../src/image/layer/unpack-client.ts';
import type { LayerUnpacker } from '../../src/image/layer-unpacker.ts';
import { getXattr } from '../../src/linux/files.ts';
import { sha256Of } from '../../src/oci/digest.ts';
import { scratch, tree } from '../support/layers.ts';
import { missing, needs } from '../support/needs.ts';
import { asUserArgv, type UserIdentity } from '../support/run-as.ts';
import { directory, file, type TarItem, tarOf } from '../support/tar.ts';
import { callingUser, createUser, removeUser } from '../support/user.ts';

const workerFile = join(import.meta.dirname, '../support/workers/unpack-worker.ts');
let user: UserIdentity = callingUser();

beforeAll(() => {
  if (user.uid === 0 && !missing('subordinate-ids')) user = createUser(true, '/nonexistent');
});
afterAll(() => {
  if (user.uid !== callingUser().uid) removeUser(user);
});

interface Bench {
  readonly unpacker: LayerUnpacker;
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly root: string;
  readonly published: string[];
  readonly discarded: string[];
  readonly warnings: string[];
}

/** A worker in a user namespace with subordinate ids, whose data root is `root`. */
function startWorker(): Bench {
  const root = scratch();
  chmodSync(root, 0o777);
  const argv = asUserArgv(user, ['unshare', '--user', '--map-auto', '--map-root-user', process.execPath, workerFile]);
  const child = spawn(argv[0] ?? '', argv.slice(1), { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  const bench = { root, child, published: [] as string[], discarded: [] as string[], warnings: [] as string[] };
  let count = 0;
  const create = () => {
    const name = `staging-${++count}`;
    mkdirSync(join(root, name));
    chmodSync(join(root, name), 0o777);
    return { relativePath: name, publish: () => bench.published.push(name), discard: () => bench.discarded.push(name) };
  };
  const warn = (text: string) => bench.warnings.push(text);
  const options = {
    toWorker: child.stdin,
    fromWorker: child.stdout,
    staging: { create },
    kind: 'mapped',
    warn,
  } as const;
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  });
  return { ...bench, unpacker: createLayerUnpacker(options) };
}

/**
 * The moment from which the child is the worker itself. unshare(1) killed before that leaves a helper of its own
 * behind, which waits for a process that is gone and holds the worker's standard output open.
 */
async function workerRuns({ child }: Bench): Promise<void> {
  const node = realpathSync(process.execPath);
  await vi.waitFor(() => expect(readlinkSync(`/proc/${child.pid}/exe`)).toBe(node), { timeout: 20_000 });
}

function begin(bench: Bench, name: string, archive: Buffer, diffId = sha256Of(archive)) {
  writeFileSync(join(bench.root, name), '');
  return bench.unpacker.begin({ archivePath: name, compression: 'gzip', diffId });
}

/** Write the archive piece by piece and say so, as a download does. */
function download(bench: Bench, name: string, layer: ReturnType<typeof begin>, stored: Buffer): void {
  for (let at = 0; at < stored.length; at += 300) {
    appendFileSync(join(bench.root, name), stored.subarray(at, at + 300));
    layer.grown(Math.min(at + 300, stored.length));
  }
  layer.finished(stored.length);
}

const owned: TarItem[] = [
  directory('srv/', { uid: 33, gid: 33, mode: 0o2775 }),
  file('srv/suid', 'x', { uid: 33, gid: 4, mode: 0o6755 }),
  file('srv/.wh.gone'),
  directory('opaque/'),
  file('opaque/.wh..wh..opq'),
  file('cap', 'y', {
    pax: { 'SCHILY.xattr.security.capability': Buffer.from('0100000200040000000000000000000000000000', 'hex') },
  }),
];

describe('the unpack worker in a user namespace [I] user_namespaces(7)', () => {
  const test = needs('subordinate-ids');

  test('keeps owners, set-id bits, capabilities and whiteouts, reading archives while they grow', async () => {
    const bench = startWorker();
    const archive = tarOf(...owned);
    const other = tarOf(file('second', 'layer'.repeat(1000)));
    const [one, two] = [begin(bench, 'one', archive), begin(bench, 'two', other)];
    download(bench, 'two', two, other);
    download(bench, 'one', one, gzipSync(archive));
    await Promise.all([one.done, two.done]);
    await bench.unpacker.close();
    const diff = join(bench.root, 'staging-1/diff');
    expect(tree(diff)).toEqual(['cap=y', 'opaque/', 'srv/', 'srv/gone (whiteout)', 'srv/suid=x']);
    const stat = lstatSync(join(diff, 'srv/suid'));
    expect([stat.uid - lstatSync(join(diff, 'srv')).uid, stat.mode & 0o7777]).toEqual([0, 0o6755]);
    expect(stat.uid).not.toBe(lstatSync(join(diff, 'cap')).uid);
    expect(getXattr(join(diff, 'cap'), 'security.capability')?.length).toBeGreaterThan(0);
    expect(getXattr(join(diff, 'opaque'), 'user.overlay.opaque')?.toString()).toBe('y');
    expect([bench.published.sort(), bench.discarded]).toEqual([['staging-1', 'staging-2'], []]);
  });

  test('names an owner beyond the mapped ids, and the remedy', async () => {
    const bench = startWorker();
    const archive = tarOf(file('home/u', '', { uid: 2_000_000 }));
    const layer = begin(bench, 'one', archive);
    download(bench, 'one', layer, archive);
    await expect(layer.done).rejects.toMatchObject({
      message: expect.stringMatching(/"home\/u" belongs to 2000000:0/),
      hint: expect.stringContaining('/etc/subuid'),
      exitCode: 125,
    });
    expect(bench.discarded).toEqual(['staging-1']);
  });

  test('cannot open anything outside the data root', async () => {
    const bench = startWorker();
    const layer = bench.unpacker.begin({
      archivePath: '../../../../etc/passwd',
      compression: 'none',
      diffId: sha256Of(''),
    });
    layer.finished(10);
    await expect(layer.done).rejects.toThrow(/ENOENT/);
  });

  test('refuses content that does not match its diffId, and goes on with other layers', async () => {
    const bench = startWorker();
    const archive = tarOf(file('a'));
    const wrong = begin(bench, 'wrong', archive, sha256Of('something else'));
    download(bench, 'wrong', wrong, archive);
    await expect(wrong.done).rejects.toMatchObject({ code: 'VERIFY' });
    const right = begin(bench, 'right', archive);
    download(bench, 'right', right, archive);
    await right.done;
    expect(bench.published).toEqual(['staging-2']);
  });

  test('drops a layer whose download was given up', async () => {
    const bench = startWorker();
    const layer = begin(bench, 'one', tarOf(file('a')));
    layer.aborted();
    await expect(layer.done).rejects.toThrow(/given up/);
  });

  test('rejects every layer at hand when the worker is killed, and those that come later', async () => {
    const bench = startWorker();
    const layers = ['one', 'two'].map((name) => begin(bench, name, tarOf(file(name))));
    await workerRuns(bench);
    bench.child.kill('SIGKILL');
    for (const { done } of layers) await expect(done).rejects.toThrow(/ended before it was done/);
    await expect(begin(bench, 'three', tarOf()).done).rejects.toThrow(/ended before it was done/);
    expect(bench.discarded).toEqual(['staging-1', 'staging-2', 'staging-3']);
    expect(existsSync(join(bench.root, 'staging-3/diff'))).toBe(false);
  });
});
