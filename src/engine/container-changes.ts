/** What a container changed: its upper directory beside the layers below (docker-diff(1): A, C, D). */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { errnoOf } from '../base/ctr-error.ts';
import { type ByteString, fromText, toPath } from '../image/layer/byte-string.ts';
import { getXattr } from '../linux/files.ts';

export interface Change {
  readonly kind: 'A' | 'C' | 'D';
  /** Absolute; one character per byte. */
  readonly path: ByteString;
}

/** Cost follows what changed: only the upper directory is walked. Parents stand before what is in them. */
export function changesIn(upper: string, lower: string, mountPoints: readonly string[]): Change[] {
  const points = mountPoints.map(fromText);
  const parents = points.flatMap((point) =>
    point.split('/').flatMap((_, index, parts) => (index > 0 ? [parts.slice(0, index).join('/')] : [])),
  );
  return changesBelow({ upper, lower, points: new Set(points), parents: new Set(parents) }, '');
}

interface Comparison {
  readonly upper: string;
  readonly lower: string;
  /** What is on them is not the container's own; their parents may be there for their sake only. */
  readonly points: ReadonlySet<ByteString>;
  readonly parents: ReadonlySet<ByteString>;
}

function changesBelow(comparison: Comparison, directory: ByteString): Change[] {
  const { upper, lower, points } = comparison;
  const names = namesIn(`${upper}${directory}`).sort();
  const hidden = isOpaque(`${upper}${directory}`)
    ? namesIn(`${lower}${directory}`)
        .filter((name) => !names.includes(name))
        .map((name): Change => ({ kind: 'D', path: `${directory}/${name}` }))
    : [];
  const changed = names.flatMap((name): Change[] => {
    const path = `${directory}/${name}`;
    const stat = statOf(`${upper}${path}`);
    if (!stat || points.has(path)) return [];
    const below = statOf(`${lower}${path}`);
    if (stat.isCharacterDevice() && stat.rdev === 0) return below ? [{ kind: 'D', path }] : [];
    if (!stat.isDirectory()) return [{ kind: below ? 'C' : 'A', path }];
    return directoryChanges(comparison, path, stat, below);
  });
  return [...hidden, ...changed];
}

function directoryChanges(comparison: Comparison, path: ByteString, stat: Stats, below: Stats | undefined): Change[] {
  const inside = changesBelow(comparison, path);
  const isSame = below === undefined || (below.mode === stat.mode && below.uid === stat.uid && below.gid === stat.gid);
  // Made or copied up only because a mount point in it was made.
  if (inside.length === 0 && isSame && comparison.parents.has(path)) return [];
  return [{ kind: below ? 'C' : 'A', path }, ...inside];
}

function namesIn(path: ByteString): ByteString[] {
  try {
    return readdirSync(toPath(path), { encoding: 'latin1' });
  } catch {
    return []; // Not there, no directory, or gone meanwhile: it has nothing in it.
  }
}

const statOf = (path: ByteString) => lstatSync(toPath(path), { throwIfNoEntry: false });

function isOpaque(path: ByteString): boolean {
  try {
    return getXattr(toPath(path), 'user.overlay.opaque')?.toString() === 'y';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The names of a layer with these changes, as pack.ts calls them: without the leading slash. */
export function namesToPack(changes: readonly Change[]): ReadonlySet<ByteString> {
  const names = new Set<ByteString>();
  for (const { path } of changes) {
    const parts = path.slice(1).split('/');
    for (let depth = 1; depth <= parts.length; depth++) names.add(parts.slice(0, depth).join('/'));
  }
  return names;
}
