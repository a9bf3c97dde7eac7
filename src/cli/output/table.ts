/** Columns as Go's text/tabwriter makes them: cells end at a tab, the last one of a line is not padded. */
export interface TableShape {
  /** The least width of a column, its padding included. */
  readonly minWidth: number;
  readonly padding: number;
}

/** Podman's and Docker's own numbers. */
export const tableShapes: Readonly<Record<'podman' | 'docker', TableShape>> = {
  podman: { minWidth: 12, padding: 2 },
  docker: { minWidth: 10, padding: 3 },
};

/** Align `lines`, whose cells are separated by tabs. */
export function alignTable(lines: readonly string[], shape: TableShape): string[] {
  const rows = lines.map((line) => line.split('\t'));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? shape.minWidth, displayWidth(cell) + shape.padding);
    }
  }
  return rows.map((row) =>
    row.map((cell, column) => (column === row.length - 1 ? cell : padTo(cell, widths[column] ?? 0))).join(''),
  );
}

const padTo = (cell: string, width: number) => cell + ' '.repeat(Math.max(0, width - displayWidth(cell)));

/** Columns of a terminal: combining marks take none, East Asian wide characters and emoji two. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    if (/\p{M}|\p{Cf}/u.test(char)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return width;
}
