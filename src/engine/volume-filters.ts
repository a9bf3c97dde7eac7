/** `--filter` of `volume ls` and `volume prune`: conditions of one key are or-ed, those of different keys and-ed. */
import type { VolumeRecord } from '../storage/volume-store.ts';

export const volumeFilterKeys = [
  ...['name', 'driver', 'label', 'label!', 'dangling', 'scope', 'opt', 'until', 'since', 'anonymous'],
] as const;

export interface FilterFacts {
  /** Names of the volumes that containers have. */
  readonly used: ReadonlySet<string>;
  readonly created: (name: string) => number | undefined;
  /** A point in time as the user writes it, in milliseconds. */
  readonly parseTime: (text: string) => number;
}

export function volumeFilter(
  filters: ReadonlyMap<string, readonly string[]>,
  facts: FilterFacts,
): (volume: VolumeRecord) => boolean {
  const tests = [...filters].map(([key, values]) => (volume: VolumeRecord) => {
    // Several labels have to be there all; several names are alternatives.
    return /^label/.test(key)
      ? values.every((value) => holds(key, value, volume, facts))
      : values.some((value) => holds(key, value, volume, facts));
  });
  return (volume) => tests.every((test) => test(volume));
}

function holds(key: string, value: string, volume: VolumeRecord, facts: FilterFacts): boolean {
  switch (key) {
    case 'name':
      return new RegExp(value).test(volume.name);
    case 'driver':
      return volume.driver === value;
    case 'scope':
      return value === 'local';
    case 'label':
      return hasEntry(volume.labels, value);
    case 'label!':
      return !hasEntry(volume.labels, value);
    case 'opt':
      return hasEntry(volume.options, value);
    case 'dangling':
      return isTrue(value) !== facts.used.has(volume.name);
    case 'anonymous':
      return isTrue(value) === volume.isAnonymous;
    case 'until':
      return Date.parse(volume.createdAt) < facts.parseTime(value);
    default:
      return Date.parse(volume.createdAt) > (facts.created(value) ?? facts.parseTime(value));
  }
}

const isTrue = (text: string) => /^(1|t|true)$/i.test(text);

/** `key`, or `key=value`. */
function hasEntry(entries: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  if (equals === -1) return Object.hasOwn(entries, wanted);
  return entries[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}
