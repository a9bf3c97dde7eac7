/**
 * `.dockerignore` and `.containerignore` (reference, ".dockerignore file"; moby/patternmatcher): of the patterns that
 * match a path or a directory above it, the last one decides.
 */
import { CtrError } from '../base/ctr-error.ts';
import { pathPattern } from './path-pattern.ts';

export interface IgnoreRules {
  /** Whether a path of the context (`/` between its parts, none at its ends) is left out. */
  isIgnored(path: string): boolean;
  /** Whether something below an ignored directory may come back in by a `!` pattern, so that it must be walked. */
  mayContainExceptions(directory: string): boolean;
  readonly patterns: readonly string[];
}

interface Pattern {
  readonly exception: boolean;
  /** Its parts: `**`, or a pattern for one name. */
  readonly text: string;
  readonly expression: RegExp;
}

export function parseIgnoreFile(text: string, fileName: string): IgnoreRules {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const patterns = lines.flatMap((line, index) => {
    // A comment begins at the very first column (ignorefile.ReadAll).
    if (line.startsWith('#') || line.trim() === '') return [];
    return [parsePattern(line, `${fileName}:${index + 1}`)];
  });
  return ignoreRules(patterns);
}

/** Patterns that come from `--exclude`, in the same language. */
export function parseIgnorePatterns(patterns: readonly string[], place: string): IgnoreRules {
  return ignoreRules(
    patterns.filter((pattern) => pattern.trim() !== '').map((pattern) => parsePattern(pattern, place)),
  );
}

function ignoreRules(patterns: readonly Pattern[]): IgnoreRules {
  const exceptions = patterns.filter(({ exception }) => exception);
  const matches = matcherFor(patterns);
  return {
    patterns: patterns.map(({ text, exception }) => (exception ? `!${text}` : text)),
    isIgnored: (path) => {
      const matched = matches(path);
      let ignored = false;
      for (const [index, { exception }] of patterns.entries()) if (matched[index]) ignored = !exception;
      return ignored;
    },
    mayContainExceptions: (directory) => exceptions.some(({ text }) => mayMatchBelow(text, directory)),
  };
}

/**
 * Which patterns match a path or a directory above it. Directories are remembered: a walk through a large context
 * tests every name once against every pattern.
 */
function matcherFor(patterns: readonly Pattern[]): (path: string) => readonly boolean[] {
  const none = patterns.map(() => false);
  const ofDirectory = new Map<string, readonly boolean[]>();
  const matches = (path: string, above: readonly boolean[]) =>
    patterns.map(({ expression }, index) => above[index] === true || expression.test(path));
  const directoryMatches = (path: string): readonly boolean[] => {
    const known = ofDirectory.get(path);
    if (known) return known;
    const slash = path.lastIndexOf('/');
    const found = matches(path, slash < 0 ? none : directoryMatches(path.slice(0, slash)));
    ofDirectory.set(path, found);
    return found;
  };
  return (path) => {
    const slash = path.lastIndexOf('/');
    return matches(path, slash < 0 ? none : directoryMatches(path.slice(0, slash)));
  };
}

function parsePattern(line: string, place: string): Pattern {
  const trimmed = line.trim();
  const exception = trimmed.startsWith('!');
  const text = cleaned(exception ? trimmed.slice(1).trim() : trimmed);
  if (text === '' && exception) throw new CtrError('INVALID', `${place}: "!" without a pattern`);
  try {
    return { exception, text, expression: pathPattern(text) };
  } catch (cause) {
    const hint = 'a [ begins a set of characters; write \\[ for the character itself';
    throw new CtrError('INVALID', `${place}: invalid pattern ${JSON.stringify(trimmed)}`, { hint, cause });
  }
}

/** Like Go's path.Clean, without a slash at the front: the context's root is where patterns begin. */
function cleaned(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Whether a pattern's beginning fits the directory, so that the rest could match something in it. */
function mayMatchBelow(pattern: string, directory: string): boolean {
  const wanted = pattern.split('/');
  for (const [index, name] of directory.split('/').entries()) {
    const part = wanted[index];
    if (part === undefined) return true;
    // A set may span a slash, which matches nothing: to walk the directory is never wrong.
    if (part.includes('**') || part.includes('[')) return true;
    if (!pathPattern(part).test(name)) return false;
  }
  return true;
}
