/** Sizes and times for people, in Docker's and Podman's words (go-units), and Go's durations. Pure. */

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** Decimal units, three significant digits: `7.79MB`. `separator` stands before the unit (Podman's tables: a space). */
export function humanSize(bytes: number, separator = ''): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(Number(value.toPrecision(3))) >= 1000 && unit < sizeUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))}${separator}${sizeUnits[unit]}`;
}

const sizeFactors: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4 };

/** `20GB`, `1.5 GiB`, `512m`, `1000`: decimal units, and binary ones with an `i`; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = '', binary] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?$/i.exec(text.trim()) ?? [];
  if (number === undefined || (unit === '' && binary)) return undefined;
  return Math.floor(Number(number) * (binary ? 1024 : 1000) ** (sizeFactors[unit.toLowerCase()] ?? 0));
}

/** `About an hour`, `3 weeks`: how long ago, in one unit. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

const durationUnits: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A Go duration (`1h30m`, `1.5s`, `300ms`) in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const whole = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (!whole) return undefined;
  let totalMs = 0;
  for (const [, number, unit = ''] of (whole[2] ?? '').matchAll(/([\d.]+)([a-zµ]+)/g)) {
    totalMs += Number(number) * (durationUnits[unit] ?? 0);
  }
  return whole[1] === '-' ? -totalMs : totalMs;
}
