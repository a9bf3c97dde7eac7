/** Unpack archives the way a pull does, and look at what came out. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { OwnerMode } from '../../src/image/layer/apply-metadata.ts';
import type { UnpackSummary } from '../../src/image/layer/unpack.ts';
import { UnpackJob } from '../../src/image/layer/unpack-job.ts';
import { type Digest, sha256Of } from '../../src/oci/digest.ts';

export interface Unpacked {
  readonly summary: UnpackSummary;
  readonly diff: string;
  readonly target: string;
}

/** A directory that goes away with the test. */
export function scratch(): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'ctr-layer-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export async function unpack(
  archive: Buffer,
  options: {
    readonly owners?: OwnerMode;
    readonly diffId?: Digest;
    readonly below?: string;
    readonly compressed?: Buffer;
  } = {},
): Promise<Unpacked> {
  const base = options.below ?? scratch();
  const target = join(base, 'layer');
  mkdirSync(target);
  const stored = options.compressed ?? archive;
  writeFileSync(join(base, 'archive'), stored);
  const diffId = options.diffId ?? sha256Of(archive);
  const job = new UnpackJob({ archive: join(base, 'archive'), target, diffId, owners: options.owners ?? 'mapped' });
  job.finished(stored.length);
  return { summary: await job.run(), diff: join(target, 'diff'), target };
}

/** Every path below `root`, with what it is: `etc/`, `etc/motd=hello`, `bin -> usr/bin`, `gone (whiteout)`. */
export function tree(root: string, prefix = ''): string[] {
  return readdirSync(join(root, prefix))
    .sort()
    .flatMap((name) => {
      const path = prefix + name;
      const stat = lstatSync(join(root, path));
      if (stat.isDirectory()) return [`${path}/`, ...tree(root, `${path}/`)];
      if (stat.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(root, path))}`];
      if (stat.isCharacterDevice() && stat.rdev === 0) return [`${path} (whiteout)`];
      if (stat.isFIFO()) return [`${path} (fifo)`];
      return [stat.size > 200 ? `${path} (${stat.size} bytes)` : `${path}=${readFileSync(join(root, path), 'utf8')}`];
    });
}
