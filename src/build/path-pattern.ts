/** Patterns for paths (Go's path.Match, and `**`): of ignore files and of --exclude. */

/** Matches a whole path without slashes at its ends; a SyntaxError for a `[` that is not closed. */
export function pathPattern(pattern: string): RegExp {
  return new RegExp(`^${expressionOf(pattern)}$`, 'su');
}

/** `**` is any number of directories, also none; `*` and `?` stay inside one name. */
function expressionOf(pattern: string): string {
  let result = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (pattern.startsWith('**', at)) {
      at++;
      if (pattern.charAt(at + 1) === '/') at++;
      result += at + 1 >= pattern.length ? '.*' : '(?:.*/)?';
    } else if (char === '*') result += '[^/]*';
    else if (char === '?') result += '[^/]';
    else if (char === '\\') result += literal(pattern.charAt(++at) || '\\');
    else if (char === '[') {
      const set = characterSet(pattern, at);
      result += set.expression;
      at = set.end;
    } else result += literal(char);
  }
  return result;
}

/** `[a-z]`, `[^a-z]`, as in Go's path.Match. */
function characterSet(pattern: string, start: number): { expression: string; end: number } {
  let inside = '';
  const negated = pattern.charAt(start + 1) === '^';
  for (let at = start + (negated ? 2 : 1); at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === ']' && inside !== '') return { expression: `(?!/)[${negated ? '^' : ''}${inside}]`, end: at };
    if (char === '\\') inside += setLiteral(pattern.charAt(++at));
    else inside += char === '-' ? char : setLiteral(char);
  }
  throw new SyntaxError('a [ is not closed');
}

const literal = (char: string) => (/[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char);
const setLiteral = (char: string) => (char === '-' ? '\\-' : literal(char));
