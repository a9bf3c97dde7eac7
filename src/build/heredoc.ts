/** Here-documents of RUN, COPY and ADD (reference, "Here-Documents"): `<<EOF`, `<<-EOF`, `<<"EOF"`, several per line. */

import { parseStringArray } from './json-form.ts';
import { splitFlags } from './split-flags.ts';
import { splitQuoted, type Token } from './words.ts';

export interface Heredoc {
  readonly name: string;
  /** `<<-`: leading tabs are taken away, from the end line too. */
  readonly chomp: boolean;
  /** A quoted delimiter: variables stay as they are. */
  readonly verbatim: boolean;
  /** As written, with every line's end; tabs still there. */
  readonly content: string;
}

export type HeredocHead = Omit<Heredoc, 'content'>;

/** Those that a line opens, in order; none when the instruction takes none or is in JSON form. */
export function heredocsOpenedBy(line: string): HeredocHead[] {
  if (!line.includes('<<')) return [];
  const [, keyword = ''] = /^\s*(?:ONBUILD\s+)?(RUN|COPY|ADD)(?=\s)/i.exec(line) ?? [];
  if (keyword === '') return [];
  const start = line.toUpperCase().indexOf(keyword.toUpperCase()) + keyword.length;
  const { rest } = splitFlags(line, start);
  if (parseStringArray(rest.text) !== undefined) return [];
  return splitQuoted(line, '\\', rest.start)
    .map((word) => parseHeredocHead(word))
    .filter((head) => head !== undefined);
}

/** What a word like `3<<-"EOF"` opens. */
export function parseHeredocHead({ text }: Pick<Token, 'text'>): HeredocHead | undefined {
  const [, dash = '', delimiter = ''] = /^\d*<<(-?)([^<]+)$/.exec(text) ?? [];
  const name = delimiter.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g, (_, double, single, escaped) =>
    double !== undefined ? double.replace(/\\(["\\$])/g, '$1') : (single ?? escaped),
  );
  if (name === '' || /['"]/.test(name)) return undefined;
  return { name, chomp: dash !== '', verbatim: name !== delimiter };
}

/** `<<-`: the content without its lines' leading tabs. */
export function chompedContent({ content, chomp }: Heredoc): string {
  return chomp ? content.replace(/^\t+/gm, '') : content;
}
