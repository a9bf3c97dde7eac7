/**
 * Names from archives are bytes, not text: Linux keeps any byte but NUL and `/`. They are held as strings with one
 * character (0-255) per byte, which compare, split and serve as Map keys like any string and lose nothing.
 */
export type ByteString = string;

const beyondAscii = /[\x80-\xff]/;

/** What node:fs takes for these bytes: the string itself when it is ASCII (fastest), else a Buffer. */
export function toPath(bytes: ByteString): string | Buffer {
  return beyondAscii.test(bytes) ? Buffer.from(bytes, 'latin1') : bytes;
}

/** The bytes of `text` as UTF-8. */
export function fromText(text: string): ByteString {
  return beyondAscii.test(text) || /[^\x00-\xff]/.test(text) ? Buffer.from(text).toString('latin1') : text;
}

/** For messages: quoted, UTF-8 where it is, control characters escaped so that a name cannot drive a terminal, cut short. */
export function quoted(bytes: ByteString): string {
  const text = Buffer.from(bytes.slice(0, 240), 'latin1').toString();
  const safe = JSON.stringify(text).replace(/[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return bytes.length > 240 ? `${safe}…` : safe;
}
