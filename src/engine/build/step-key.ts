/**
 * The key of a step: a digest over everything that it reads. A wrong hit is worse than a miss: what is not known to be
 * the same is in the key. Secrets are in it by their id only (Dockerfile reference, "RUN --mount=type=secret").
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { ByteString } from '../../image/layer/byte-string.ts';
import { toPath } from '../../image/layer/byte-string.ts';
import type { StackEntry } from './layer-stack.ts';
import { allMatches, filterFor, type Match, matchesOf, type SourceTree, walkMatch } from './source-walk.ts';

/** Of another version of ctr nothing is taken: it may have made layers otherwise. */
const keyVersion = 1;

/** Hex digits. `facts` is plain data without undefined members that matter. */
export function stepKey(facts: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([keyVersion, facts]))
    .digest('hex');
}

/** What a COPY or bind mount reads of a directory of the user's: names, kinds, modes, contents. */
export function digestOfSources(tree: SourceTree, paths: readonly string[], exclude: readonly string[]): string {
  const filter = filterFor(tree, exclude);
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  for (const matches of allMatches(tree, paths, filter)) {
    for (const match of matches) {
      feed(hash, ['match', match.at, match.merged.length > 0]);
      for (const { entry, name } of walkMatch(match, filter)) digestEntry(hash, entry, name, buffer);
    }
  }
  return hash.digest('hex');
}

/** Also fails where a source is missing. */
export function namesOfSources(tree: SourceTree, paths: readonly string[], exclude: readonly string[]): Match[] {
  const filter = filterFor(tree, exclude);
  return paths.flatMap((path) => matchesOf(tree, path, filter));
}

function digestEntry(hash: Hash, { path, stat }: StackEntry, name: ByteString, buffer: Buffer): void {
  if (stat.isDirectory()) feed(hash, ['d', name, stat.mode & 0o7777]);
  else if (stat.isSymbolicLink()) feed(hash, ['l', name, readlinkSync(toPath(path), 'latin1')]);
  else if (stat.isFile()) {
    feed(hash, ['f', name, stat.mode & 0o7777, stat.size]);
    if (stat.size > 0) digestContent(hash, path, buffer);
  } else feed(hash, ['other', name, stat.mode]);
}

function digestContent(hash: Hash, path: ByteString, buffer: Buffer): void {
  const fd = openSync(toPath(path), 'r');
  try {
    for (let length = readSync(fd, buffer); length > 0; length = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, length));
      if (length < buffer.length) break;
    }
  } finally {
    closeSync(fd);
  }
}

/** JSON, so that no two lists give the same bytes. */
const feed = (hash: Hash, words: readonly unknown[]) => void hash.update(`${JSON.stringify(words)}\n`);
