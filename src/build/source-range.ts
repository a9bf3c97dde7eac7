/** Where something stands in a Dockerfile: lines and columns count from 1, the end is exclusive. */
export interface SourceRange {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** `Dockerfile:3`. */
export function formatPlace({ file, line }: SourceRange): string {
  return `${file}:${line}`;
}
