import { flagError } from './flag-error.ts';

const units = 'bkmgtp';

/**
 * A size as Docker and Podman read it: `64m`, `1.5g`, `1024`, `2KiB`; units are powers of 1024. Whole bytes.
 */
export function parseSize(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])i?)?b?$/i.exec(text);
  const bytes = Math.trunc(Number(match?.[1]) * 1024 ** units.indexOf(match?.[2]?.toLowerCase() ?? 'b'));
  if (!Number.isSafeInteger(bytes)) throw flagError(flag, text, 'want a number and a unit of b, k, m or g, like 64m');
  return bytes;
}

/** A whole number between `least` and `most`. */
export function parseInteger(flag: string, text: string, least: number, most: number): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw flagError(flag, text, `want a whole number from ${least} to ${most}`);
  return value;
}
