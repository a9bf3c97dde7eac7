/** `# syntax=`, `# escape=`, `# check=` (reference, "Parser directives"): only above everything else in the file. */
import { type SourceFile, sourceError } from './source-range.ts';
import type { Directives } from './stage.ts';

const known = ['syntax', 'escape', 'check'];

export function parseDirectives(source: SourceFile): Directives {
  const found = new Map<string, { value: string; index: number }>();
  for (const [index, line] of source.lines.entries()) {
    if (index === 0 && line.startsWith('#!')) continue;
    const [, written = '', value = ''] = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    const name = written.toLowerCase();
    if (!known.includes(name)) break;
    if (found.has(name)) throw lineError(source, index, `only one ${name} directive is allowed`);
    found.set(name, { value, index });
  }
  const syntax = found.get('syntax')?.value;
  return {
    ...(syntax === undefined ? {} : { syntax }),
    escape: escapeOf(source, found.get('escape')),
    check: parseCheckDirective(found.get('check')?.value ?? ''),
  };
}

function escapeOf(source: SourceFile, directive: { value: string; index: number } | undefined): '\\' | '`' {
  if (directive === undefined) return '\\';
  if (directive.value === '\\' || directive.value === '`') return directive.value;
  const message = `invalid escape character ${JSON.stringify(directive.value)}`;
  throw lineError(source, directive.index, message, 'the escape directive takes \\ or `');
}

/** `skip=RuleA,RuleB;error=true;experimental=all`; what is not understood is ignored, as BuildKit does. */
export function parseCheckDirective(text: string): Directives['check'] {
  const options = new Map(
    text.split(';').map((part) => {
      const equals = part.indexOf('=');
      return [part.slice(0, Math.max(equals, 0)).trim().toLowerCase(), part.slice(equals + 1).trim()] as const;
    }),
  );
  const names = (key: string) => {
    const listed = (options.get(key) ?? '').split(',').map((name) => name.trim());
    return listed.includes('all') ? ('all' as const) : listed.filter((name) => name !== '');
  };
  return {
    skip: names('skip'),
    error: options.get('error')?.toLowerCase() === 'true',
    experimental: names('experimental'),
  };
}

function lineError(source: SourceFile, index: number, message: string, hint?: string): Error {
  const text = source.lines[index] ?? '';
  const column = text.length - text.trimStart().length + 1;
  const range = {
    file: source.name,
    line: index + 1,
    column,
    endLine: index + 1,
    endColumn: text.trimEnd().length + 1,
  };
  return sourceError(source, range, message, hint);
}
