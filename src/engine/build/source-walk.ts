/** Which files a COPY or ADD reads: wildcards, ignore rules and `--exclude`, and the walk through directories. */
import { CtrError } from '../../base/ctr-error.ts';
import { type IgnoreRules, parseIgnoreFile, parseIgnorePatterns } from '../../build/ignore-file.ts';
import { type ByteString, fromText } from '../../image/layer/byte-string.ts';
import {
  componentsOf,
  entriesIn,
  entryIn,
  escapes,
  type Merged,
  type ResolveOptions,
  resolveIn,
  rootEntry,
  type StackEntry,
} from './layer-stack.ts';

/** A tree that is read, as plain data: it goes to the worker. */
export interface SourceTree {
  /** Uppermost first. */
  readonly layers: readonly string[];
  /** In errors: `the context`, `stage build`. */
  readonly what: string;
  /** Of a directory of the user's: no symlink leads out, and the owners in it do not matter. */
  readonly isContext: boolean;
  /** What an archive of ADD was extracted to. */
  readonly isArchive?: boolean;
  /** The text of `.dockerignore`. */
  readonly ignore?: { readonly text: string; readonly name: string };
}

export interface Match extends StackEntry {
  /** Inside the tree, as it was named or as the wildcard found it. */
  readonly at: ByteString;
}

export interface Filter {
  /** Whether the entry at this path of the tree is left out. */
  isOut(path: ByteString): boolean;
  /** Whether something below an entry that is out may be in. */
  mayBeIn(path: ByteString): boolean;
}

export function filterFor(tree: SourceTree, exclude: readonly string[]): Filter {
  const rules: IgnoreRules[] = [];
  if (tree.ignore) rules.push(parseIgnoreFile(tree.ignore.text, tree.ignore.name));
  if (exclude.length > 0) rules.push(parseIgnorePatterns(exclude, '--exclude'));
  const text = (path: ByteString) => Buffer.from(path, 'latin1').toString();
  return {
    isOut: (path) => rules.length > 0 && path !== '' && rules.some((one) => one.isIgnored(text(path))),
    mayBeIn: (path) => rules.every((one) => !one.isIgnored(text(path)) || one.mayContainExceptions(text(path))),
  };
}

export const mergedRoot = ({ layers }: SourceTree): Merged => layers.map(fromText);
const optionsOf = ({ what, isContext }: SourceTree): ResolveOptions => ({ what, confined: isContext });

/** The entries that a source names. Empty only for a wildcard that matches nothing. */
export function matchesOf(tree: SourceTree, source: string, filter: Filter): Match[] {
  const path = fromText(source);
  const found = hasWildcard(path) ? globbed(tree, path) : exactly(tree, path);
  const kept = found.filter(({ at, merged }) => !filter.isOut(at) || (merged.length > 0 && filter.mayBeIn(at)));
  if (kept.length > 0) return kept;
  // `COPY package.json yarn.lock* ./` is how an optional file is written.
  if (hasWildcard(path)) return [];
  if (found.length > 0) throw missing(source, tree, 'an ignore file or --exclude leaves it out');
  throw missing(source, tree);
}

/** Of several sources a wildcard may match nothing; all together must match something. */
export function allMatches(tree: SourceTree, sources: readonly string[], filter: Filter): Match[][] {
  const found = sources.map((source) => matchesOf(tree, source, filter));
  if (found.every((matches) => matches.length === 0)) {
    throw missing(sources.join(' '), tree, 'the pattern matches nothing');
  }
  return found;
}

function missing(source: string, { what, isContext }: SourceTree, why?: string): CtrError {
  if (isContext && climbsOut(source)) return escapes(fromText(source), { what });
  return new CtrError(
    'NOT_FOUND',
    `${JSON.stringify(source)} is not in ${what}`,
    why === undefined ? {} : { hint: why },
  );
}

function exactly(tree: SourceTree, path: ByteString): Match[] {
  const root = mergedRoot(tree);
  const at = normalized(path);
  const found = at === '' ? rootEntry(root) : resolveIn(root, at, optionsOf(tree));
  return found ? [{ ...found, name: at.slice(at.lastIndexOf('/') + 1), at }] : [];
}

function climbsOut(source: string): boolean {
  let depth = 0;
  return componentsOf(source).some((name) => {
    depth += name === '..' ? -1 : 1;
    return depth < 0;
  });
}

/** Without `.` and `..`: the root of the tree is its own parent, as in BuildKit. */
function normalized(path: ByteString): ByteString {
  const parts: ByteString[] = [];
  for (const name of componentsOf(path)) {
    if (name === '..') parts.pop();
    else parts.push(name);
  }
  return parts.join('/');
}

export const hasWildcard = (path: ByteString): boolean => /[*?[]/.test(path);

/** Go's filepath.Match for each component, and `**` for any number of directories. */
function globbed(tree: SourceTree, path: ByteString): Match[] {
  const root = mergedRoot(tree);
  const options = optionsOf(tree);
  const expand = (at: ByteString, directory: Merged, rest: readonly ByteString[]): Match[] => {
    const [pattern = '', ...more] = rest;
    const join = (name: ByteString) => (at === '' ? name : `${at}/${name}`);
    const step = (entry: StackEntry): Match[] => {
      const place = join(entry.name);
      const seen = entry.stat.isSymbolicLink() ? resolveIn(root, place, options) : entry;
      if (!seen) return [];
      if (more.length === 0) return [{ ...seen, name: entry.name, at: place }];
      return seen.merged.length > 0 ? expand(place, seen.merged, more) : [];
    };
    if (pattern === '**') {
      const here = more.length > 0 ? expand(at, directory, more) : entriesIn(directory).flatMap(step);
      const below = entriesIn(directory).filter(({ merged }) => merged.length > 0);
      return [...here, ...below.flatMap((entry) => expand(join(entry.name), entry.merged, rest))];
    }
    if (!hasWildcard(pattern)) {
      const only = entryIn(directory, pattern.replace(/\\(.)/g, '$1'));
      return only ? step(only) : [];
    }
    const expression = nameExpression(pattern);
    return entriesIn(directory)
      .filter(({ name }) => expression.test(name))
      .flatMap(step);
  };
  const matches = expand('', root, componentsOf(normalized(path)));
  return [...new Map(matches.map((match) => [match.at, match])).values()];
}

function nameExpression(pattern: ByteString): RegExp {
  const body = pattern.replace(/\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|[\s\S]/g, (char, escaped, not, set) => {
    if (escaped !== undefined) return escapeCharacter(escaped);
    if (set !== undefined) return `[${not}${set.replace(/\\(.)/g, '$1').replace(/[\\\]]/g, '\\$&')}]`;
    if (char === '*') return '[^/]*';
    return char === '?' ? '[^/]' : escapeCharacter(char);
  });
  return new RegExp(`^${body}$`, 's');
}

const escapeCharacter = (char: string) => (/[\\^$.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char);

export interface Walked {
  readonly entry: StackEntry;
  /** Below the match; '' for itself. */
  readonly name: ByteString;
}

/**
 * A match and what is below it, parents first. A directory that is left out is walked for what a `!` pattern brings
 * back, and given only when there is something.
 */
export function* walkMatch(match: Match, filter: Filter): Generator<Walked> {
  yield* walk({ entry: match, name: '' }, match.at, filter, []);
}

function* walk(here: Walked, at: ByteString, filter: Filter, pending: readonly Walked[]): Generator<Walked> {
  const isOut = filter.isOut(at);
  if (here.entry.merged.length === 0) {
    if (isOut) return;
    yield* pending;
    yield here;
    return;
  }
  if (isOut && !filter.mayBeIn(at)) return;
  let waiting: readonly Walked[] = [...pending, here];
  if (!isOut) {
    yield* waiting;
    waiting = [];
  }
  for (const entry of entriesIn(here.entry.merged)) {
    const name = here.name === '' ? entry.name : `${here.name}/${entry.name}`;
    const below = walk({ entry, name }, at === '' ? entry.name : `${at}/${entry.name}`, filter, waiting);
    for (const walked of below) {
      waiting = [];
      yield walked;
    }
  }
}
