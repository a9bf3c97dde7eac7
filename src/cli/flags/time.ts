import { parseDuration } from '../../base/units.ts';
import { flagError } from './flag-error.ts';

/**
 * A moment as Docker and Podman read it: a Go duration back from `now` (`1h30m`), RFC 3339 or a beginning of it in
 * local time (`2024-02-03T04:05`), or seconds since 1970 with a fraction. Milliseconds since the epoch.
 */
export function parseTime(flag: string, text: string, now: Date): number {
  const duration = parseDuration(text);
  if (duration !== undefined) return now.getTime() - duration;
  if (/^\d+(\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  const rfc3339 = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i.exec(text);
  const [, day = '', clock = '00', zone = ''] = rfc3339 ?? [];
  const time = clock.length === 2 ? `${clock}:00` : clock;
  const at = rfc3339 ? Date.parse(`${day}T${time}${zone}`) : Number.NaN;
  if (Number.isNaN(at)) throw flagError(flag, text, 'want a duration (10m), RFC 3339, or seconds since 1970');
  return at;
}
