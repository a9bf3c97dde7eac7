/**
 * Dockerfile text → logical lines: continuations joined, comments and empty lines left out, here-documents attached.
 * Every offset of a logical line leads back to its place in the file.
 */
import type { CtrError } from '../base/ctr-error.ts';
import { type Heredoc, type HeredocHead, heredocsOpenedBy } from './heredoc.ts';
import { type SourceFile, type SourceRange, sourceError } from './source-range.ts';
import type { Token } from './words.ts';

export interface LogicalLine {
  /** Without white space at its beginning. */
  readonly text: string;
  readonly source: SourceRange;
  /** The comment lines directly above. */
  readonly comment: readonly string[];
  readonly heredocs: readonly Heredoc[];
  /** Where empty lines stand between continuations. */
  readonly emptyContinuations: readonly SourceRange[];
  rangeOf(token: Pick<Token, 'start' | 'end'>): SourceRange;
  /** An error that shows the token, or the whole line. */
  error(message: string, token?: Pick<Token, 'start' | 'end'>, hint?: string): CtrError;
}

interface Piece {
  /** In the logical line. */
  readonly offset: number;
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

interface Reader {
  readonly source: SourceFile;
  /** The lines with their ends: a here-document keeps them. */
  readonly rawLines: readonly string[];
  at: number;
}

export function readLogicalLines(source: SourceFile, text: string, escapeCharacter: string): LogicalLine[] {
  const reader: Reader = { source, rawLines: text.split(/(?<=\n)/), at: 0 };
  const lines: LogicalLine[] = [];
  let comment: string[] = [];
  while (reader.at < source.lines.length) {
    const line = source.lines[reader.at] ?? '';
    if (line.trim() === '') comment = [];
    else if (isComment(line)) comment.push(line.trim().slice(1).trim());
    else {
      lines.push(readOne(reader, escapeCharacter, comment));
      comment = [];
      continue;
    }
    reader.at++;
  }
  return lines.filter((line) => line.text.trim() !== '');
}

const isComment = (line: string) => line.trimStart().startsWith('#');

function readOne(reader: Reader, escapeCharacter: string, comment: readonly string[]): LogicalLine {
  const { source } = reader;
  const pieces: Piece[] = [];
  const emptyContinuations: SourceRange[] = [];
  let text = '';
  let continues = true;
  for (let first = true; continues && reader.at < source.lines.length; first = false, reader.at++) {
    const line = source.lines[reader.at] ?? '';
    if (!first && isComment(line)) continue;
    if (!first && line.trim() === '') {
      emptyContinuations.push({
        file: source.name,
        line: reader.at + 1,
        column: 1,
        endLine: reader.at + 1,
        endColumn: 1,
      });
      continue;
    }
    const content = withoutContinuation(line, escapeCharacter);
    const column = first ? line.length - line.trimStart().length : 0;
    const piece = (content ?? line).slice(column);
    pieces.push({ offset: text.length, text: piece, line: reader.at + 1, column: column + 1 });
    text += piece;
    continues = content !== undefined;
  }
  const parts = { text, pieces, comment, heredocs: [], emptyContinuations };
  const heads = heredocsOpenedBy(text);
  if (heads.length === 0) return lineFor(source, parts);
  const opener = lineFor(source, parts);
  const heredocs = heads.map((head) => readHeredoc(reader, head, opener));
  return lineFor(source, { ...parts, heredocs, lastLine: reader.at });
}

/** The line before its continuation character, which white space may follow; undefined when it does not continue. */
function withoutContinuation(line: string, escapeCharacter: string): string | undefined {
  const trimmed = line.replace(/[ \t]+$/, '');
  if (!trimmed.endsWith(escapeCharacter) || trimmed.at(-2) === escapeCharacter) return undefined;
  return trimmed.slice(0, -1);
}

function readHeredoc(reader: Reader, head: HeredocHead, opener: LogicalLine): Heredoc {
  let content = '';
  for (; reader.at < reader.rawLines.length; reader.at++) {
    const raw = reader.rawLines[reader.at] ?? '';
    const line = raw.replace(/[\r\n]+$/, '');
    if ((head.chomp ? line.replace(/^\t+/, '') : line) === head.name) {
      reader.at++;
      return { ...head, content };
    }
    content += raw;
  }
  const at = opener.text.indexOf('<<');
  const hint = `end it by a line that is only ${head.name}${head.chomp ? '' : ', without white space'}`;
  throw opener.error(`the here-document ${head.name} has no end`, { start: at, end: opener.text.length }, hint);
}

interface LineParts {
  readonly text: string;
  readonly pieces: readonly Piece[];
  readonly comment: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly emptyContinuations: readonly SourceRange[];
  /** Where the last here-document ends. */
  readonly lastLine?: number;
}

function lineFor(source: SourceFile, parts: LineParts): LogicalLine {
  const { text, pieces, lastLine } = parts;
  const place = (offset: number) => {
    const piece = pieces.findLast((candidate) => candidate.offset <= offset) ?? pieces[0];
    return { line: piece?.line ?? 1, column: (piece?.column ?? 1) + offset - (piece?.offset ?? 0) };
  };
  const rangeOf = ({ start, end }: Pick<Token, 'start' | 'end'>): SourceRange => {
    const from = place(start);
    const to = place(Math.max(start, end - 1));
    return { file: source.name, ...from, endLine: to.line, endColumn: to.column + 1 };
  };
  const whole = rangeOf({ start: 0, end: text.trimEnd().length });
  const end = (line: number) => ({ endLine: line, endColumn: (source.lines[line - 1] ?? '').length + 1 });
  return {
    text,
    source: lastLine === undefined ? whole : { ...whole, ...end(lastLine) },
    comment: parts.comment,
    heredocs: parts.heredocs,
    emptyContinuations: parts.emptyContinuations,
    rangeOf,
    error: (message, token, hint) => sourceError(source, token ? rangeOf(token) : whole, message, hint),
  };
}
