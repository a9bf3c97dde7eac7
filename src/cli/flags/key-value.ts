/** Texts that are lists of `name=value`: environment and label files, repeated flags. */

/** The lines of an env or label file that say something; lines that begin with `#` are comments. */
export function meaningfulLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Split at the first `=`; the value is undefined when there is none. */
export function splitKeyValue(text: string): [key: string, value: string | undefined] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}
