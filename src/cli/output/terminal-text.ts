/** Text of programs as one line of a terminal: nothing in it moves the cursor, and its width is known. */

/** ECMA-48: control sequences (CSI), operating system commands (OSC), other escapes, single control characters. */
const controls =
  /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** What a line shows in the end: a carriage return begins it anew, as progress bars do. */
export function visibleLine(text: string): string {
  const shown = text.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return shown.replaceAll('\t', '    ').replace(controls, '').replaceAll('\n', ' ');
}

const none = /^[\p{M}\p{Cf}]$/u;
const double =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]$/u;

const columnsOf = (character: string) => (none.test(character) ? 0 : double.test(character) ? 2 : 1);

/** Columns of a text without control characters. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** At most `width` columns; what was cut off is shown by a `…`. */
export function cutToWidth(text: string, width: number): string {
  if (text.length <= width && /^[ -~]*$/.test(text)) return text;
  if (textWidth(text) <= width) return text;
  let [kept, left] = ['', width - 1];
  for (const character of text) {
    left -= columnsOf(character);
    if (left < 0) break;
    kept += character;
  }
  return width > 0 ? `${kept}…` : '';
}
