/** Where something stands in a Dockerfile, and errors that show it: `Dockerfile:3: …`, the line, a caret. */
import { CtrError } from '../base/ctr-error.ts';

/** Lines and columns count from 1; the end is exclusive. */
export interface SourceRange {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface SourceFile {
  readonly name: string;
  /** Without their ends. */
  readonly lines: readonly string[];
}

/** `Dockerfile:3`. */
export function formatPlace({ file, line }: SourceRange): string {
  return `${file}:${line}`;
}

/** An error at a place of a file whose text is known. */
export function sourceError(source: SourceFile, range: SourceRange, message: string, hint?: string): CtrError {
  return new CtrError('INVALID', `${formatPlace(range)}: ${message}\n${excerpt(source, range)}`, { hint });
}

/** The line of the range, the one before it, and carets below. */
export function excerpt(source: SourceFile, range: SourceRange): string {
  const text = source.lines[range.line - 1] ?? '';
  const before = source.lines[range.line - 2];
  const width = String(range.line).length;
  const gutter = (label: string) => `  ${label.padStart(width)} |`;
  const end = range.endLine === range.line ? Math.min(range.endColumn, text.length + 1) : text.trimEnd().length + 1;
  const carets = '^'.repeat(Math.max(1, end - range.column));
  return [
    ...(before === undefined || before.trim() === '' ? [] : [`${gutter(String(range.line - 1))} ${before}`]),
    `${gutter(String(range.line))} ${text}`,
    `${gutter('')} ${' '.repeat(range.column - 1)}${carets}`,
  ].join('\n');
}

/** An error of an instruction whose file is not at hand: its own text is shown, on one line. */
export function instructionError(
  { source, text }: { readonly source: SourceRange; readonly text: string },
  message: string,
  hint?: string,
): CtrError {
  const label = String(source.line);
  const carets = `  ${' '.repeat(label.length)} | ${'^'.repeat(text.length)}`;
  return new CtrError('INVALID', `${formatPlace(source)}: ${message}\n  ${label} | ${text}\n${carets}`, { hint });
}
