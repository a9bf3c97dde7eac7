/**
 * PAX records (POSIX.1-2001 pax, "pax Extended Header"): `LENGTH KEY=VALUE\n`, LENGTH in decimal and counting itself.
 * Values are bytes: SCHILY.xattr.* is binary, and path and linkpath are whatever the file system held.
 */
import { CtrError } from '../../base/ctr-error.ts';
import type { Timespec } from '../../linux/files.ts';
import { type ByteString, quoted } from './byte-string.ts';

export type PaxRecord = readonly [key: ByteString, value: ByteString];

export const xattrPrefix = 'SCHILY.xattr.';

/** The records in order; GNU's sparse format 0.0 repeats keys, so the order matters. */
export function decodePax(body: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < body.length && body[at] !== 0; ) {
    const space = body.indexOf(32, at);
    const digits = space > at && space - at <= 8 ? body.toString('latin1', at, space) : '';
    const end = at + (/^[0-9]+$/.test(digits) ? Number(digits) : 0);
    const equals = body.indexOf(61, space);
    if (end <= space || end > body.length || body[end - 1] !== 10 || equals < 0 || equals >= end) {
      throw new CtrError('INVALID', 'the layer has a damaged PAX header');
    }
    records.push([body.toString('latin1', space + 1, equals), body.toString('latin1', equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

export function encodePax(records: readonly PaxRecord[]): Buffer {
  return Buffer.concat(
    records.map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      let length = rest.length + String(rest.length).length;
      length = rest.length + String(length).length;
      return Buffer.from(`${length}${rest}`, 'latin1');
    }),
  );
}

/** A size, id or offset: decimal digits, or an error that names `key`. */
export function paxNumber(key: string, value: ByteString): number {
  const result = Number(value);
  if (/^[0-9]{1,16}$/.test(value) && Number.isSafeInteger(result)) return result;
  throw new CtrError('INVALID', `the layer has a PAX header with ${key}=${quoted(value.slice(0, 40))}`);
}

/** `1700000000.123456789`; digits beyond nanoseconds are cut off, times before 1970 are negative. */
export function paxTime(value: ByteString): Timespec {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value);
  if (!match) throw new CtrError('INVALID', `the layer has a PAX header with mtime=${quoted(value.slice(0, 40))}`);
  const seconds = Number(match[2]);
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds: 0 }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}

export function formatPaxTime({ seconds, nanoseconds }: Timespec): string {
  if (nanoseconds === 0) return String(seconds);
  const [whole, fraction] = seconds < 0 ? [-seconds - 1, 1e9 - nanoseconds] : [seconds, nanoseconds];
  return `${seconds < 0 ? '-' : ''}${whole}.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`;
}
