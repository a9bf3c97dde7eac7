/** Make the two roots. Both are private (0700): what is below them may be world-writable inside a container. */
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { CtrError, errnoOf } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { readJsonFile, withSpaceHint, writeJsonFile } from '../base/json-file.ts';
import { layout } from './layout.ts';

/** Idempotent; cheap once the root is there (one stat). Also makes the root an OCI image layout (image-layout.md). */
export function ensureDataRoot(host: Host): void {
  if (readJsonFile(layout.ociLayout(host)) !== undefined) return;
  makePrivate(host.dataRoot);
  const directories = [layout.blobs(host, 'sha256'), layout.tags(host), layout.images(host), layout.layerLinks(host)];
  directories.push(layout.containers(host), layout.names(host), layout.volumes(host), layout.tmp(host));
  try {
    for (const directory of directories) mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeJsonFile(layout.index(host), { schemaVersion: 2, manifests: [] });
    // Last: its presence says that all of the above was made.
    writeJsonFile(layout.ociLayout(host), { imageLayoutVersion: '1.0.0' });
  } catch (error) {
    throw withSpaceHint(error, host.dataRoot);
  }
}

/**
 * Idempotent. Without XDG_RUNTIME_DIR the root is in a directory that everybody can write to, so that another user
 * may have made it first: it is used only if it is ours and closed to others.
 */
export function ensureRunRoot(host: Host): void {
  makePrivate(host.runRoot);
  const { uid, mode } = lstatSync(host.runRoot);
  if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) {
    throw new CtrError('DENIED', `${host.runRoot} belongs to another user or can be written by others`, {
      hint: 'set XDG_RUNTIME_DIR or --runroot to a directory of your own',
    });
  }
  mkdirSync(layout.runContainers(host), { recursive: true, mode: 0o700 });
  mkdirSync(layout.locks(host), { recursive: true, mode: 0o700 });
}

/** The names in a directory; none where it does not exist (yet). */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function makePrivate(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EACCES' || errnoOf(error) === 'EROFS') {
      throw new CtrError('DENIED', `cannot make ${path}`, { cause: error, hint: '--root and --runroot choose others' });
    }
    throw withSpaceHint(error, path);
  }
  if (!lstatSync(path).isDirectory()) throw new CtrError('DENIED', `${path} is not a directory`);
}
