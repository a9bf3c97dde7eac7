/**
 * `--format`: `json`, `table …`, or a Go template, for lists and for single objects, in the shapes that Podman
 * (JSON array, indented) and Docker (one JSON object per line) print.
 */
import { compileTemplate, rewriteTemplate } from './go-template/template.ts';
import { alignTable, tableShapes } from './table.ts';

export interface Listing<Row extends object> {
  /** The command's name, for error messages. */
  readonly name: string;
  readonly rows: readonly Row[];
  /** Used without --format: `table {{.ID}}\t{{.Names}}`. */
  readonly defaultFormat: string;
  /** Column titles that are not the field's name in capitals: `{ ID: 'IMAGE ID' }`. */
  readonly titles?: Readonly<Record<string, string>>;
  /** What `--format json` prints in Podman's shape; the rows themselves when absent. */
  readonly json?: () => readonly object[];
}

export interface FormatChoice {
  readonly format?: string | undefined;
  readonly noHeading?: boolean | undefined;
  readonly compat: 'podman' | 'docker';
}

/** The text of a list, with its final newline; '' when there is nothing to print. */
export function formatList<Row extends object>(listing: Listing<Row>, choice: FormatChoice): string {
  const format = choice.format || listing.defaultFormat;
  if (/^(json|\{\{\s*json\s*\.?\s*\}\})$/.test(format.trim())) return jsonList(listing, format.trim(), choice.compat);
  const asTable = /^table(\s|$)/.test(format);
  const template = withEscapes(
    asTable ? format.replace(/^table\s*/, '') || listing.defaultFormat.replace(/^table\s*/, '') : format,
  );
  if (!asTable && /^\{\{-?\s*range\b/.test(template))
    return ending(compileTemplate(listing.name, template)(listing.rows));
  const render = compileTemplate(listing.name, template);
  const lines = listing.rows.map((row) => render(row));
  if (!asTable) return lines.map(ending).join('');
  const heading = choice.noHeading ? [] : [headingOf(template, listing.titles ?? {})];
  return alignTable([...heading, ...lines.flatMap((line) => line.split('\n'))], tableShapes[choice.compat])
    .map((line) => `${line}\n`)
    .join('');
}

/** The text of one object; `fallback` renders it when no format was given. */
export function formatOne(name: string, value: object, format: string | undefined, fallback: () => string): string {
  if (!format) return fallback();
  if (format.trim() === 'json') return `${JSON.stringify(value)}\n`;
  return ending(compileTemplate(name, withEscapes(format))(value));
}

/** JSON as Podman indents it. */
export function indentedJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 4)}\n`;
}

function jsonList<Row extends object>(listing: Listing<Row>, format: string, compat: 'podman' | 'docker'): string {
  if (format === 'json' && compat === 'podman') return indentedJson(listing.json?.() ?? listing.rows);
  return listing.rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** A table's heading: every action becomes the title of the field that it shows. */
function headingOf(template: string, titles: Readonly<Record<string, string>>): string {
  return rewriteTemplate(template, {
    text: (text) => text,
    action: (action) => {
      const label = /\.Label\s+"([^"]*)"/.exec(action)?.[1];
      if (label !== undefined) return label.replace(/.*[./]/, '').replace(/[-_]/g, ' ');
      const field = /\.([A-Za-z_]\w*)(?![\s\S]*\.[A-Za-z_]\w*[\s\S]*\}\})/.exec(
        action.replace(/"(\\.|[^"\\])*"|`[^`]*`/g, ''),
      )?.[1];
      return field === undefined ? '' : (titles[field] ?? capitals(field));
    },
  });
}

/** `ImageID` → `IMAGE ID`. */
const capitals = (field: string) => field.replace(/([a-z\d])([A-Z])/g, '$1 $2').toUpperCase();

/** A shell passes `\t` and `\n` as two characters; inside of actions they are Go's own escapes. */
function withEscapes(format: string): string {
  return rewriteTemplate(format, {
    text: (text) => text.replaceAll('\\t', '\t').replaceAll('\\n', '\n'),
    action: (action) => action,
  });
}

const ending = (text: string) => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
