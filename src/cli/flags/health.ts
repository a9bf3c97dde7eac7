/** --health-*: how the container is asked whether it is well (podman-run(1), docs.docker.com "HEALTHCHECK"). */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import { parseDuration } from '../../base/units.ts';
import { type HealthRequest, healthActions } from '../../engine/run-request.ts';
import { array, parseJson, string } from '../../oci/check.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { parseInteger } from './size.ts';

export interface HealthOptions {
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthStartPeriod?: string;
  readonly healthStartInterval?: string;
  readonly healthRetries?: string;
  readonly healthOnFailure?: string;
  readonly healthStartupCmd?: string;
  readonly healthStartupInterval?: string;
  readonly healthStartupTimeout?: string;
  readonly healthStartupRetries?: string;
  readonly healthStartupSuccess?: string;
  readonly healthLogDestination?: string;
  readonly healthMaxLogCount?: string;
  readonly healthMaxLogSize?: string;
  readonly healthcheck: boolean;
}

export function addHealthFlags(command: FlagSet): void {
  command
    .optionsGroup('Health:')
    .option('--health-cmd <command>', 'a shell command, or a JSON array of words; "none" for no check')
    .option('--health-interval <duration>', 'time between checks; "disable": only `healthcheck run` checks')
    .option('--health-timeout <duration>', 'how long a check may take')
    .option('--health-start-period <duration>', 'time in which failures do not count')
    .option('--health-start-interval <duration>', 'time between checks in the start period')
    .option('--health-retries <number>', 'how many failures in a row make it unhealthy')
    .option('--health-on-failure <action>', `what to do then: ${healthActions.join(', ')}`)
    .option('--no-healthcheck', "ignore the image's check")
    .option('--health-startup-cmd <command>', 'another check, until it has passed once the container is started')
    .option('--health-startup-interval <duration>', 'time between those, 30s')
    .option('--health-startup-timeout <duration>', 'how long one of those may take, 30s')
    .option('--health-startup-retries <number>', 'so many failures restart the container; 0 for never')
    .option('--health-startup-success <number>', 'so many passes in a row end them, 1')
    .option('--health-log-destination <directory>', 'a directory for a copy of the results, or local for none')
    .option('--health-max-log-count <number>', 'how many results are kept; 0 for all')
    .option('--health-max-log-size <bytes>', "how much of a check's output is kept; 0 for all");
}

export function parseHealth(options: HealthOptions, cwd: string): { health: HealthRequest } {
  const onFailure = healthActions.find((action) => action === (options.healthOnFailure ?? 'none'));
  if (onFailure === undefined) {
    throw flagError('--health-on-failure', options.healthOnFailure ?? '', `want one of ${healthActions.join(', ')}`);
  }
  const isOff = !options.healthcheck || options.healthCmd === 'none';
  if (!options.healthcheck && options.healthCmd !== undefined && options.healthCmd !== 'none') {
    throw new CtrError('USAGE', '--no-healthcheck and --health-cmd cannot be combined');
  }
  const { healthCmd, healthRetries, healthInterval } = options;
  return {
    health: {
      isOff,
      onFailure,
      ...(healthCmd === undefined || isOff ? {} : { test: parseTest(healthCmd) }),
      ...milliseconds('intervalMs', '--health-interval', healthInterval === 'disable' ? '0' : healthInterval),
      ...milliseconds('timeoutMs', '--health-timeout', options.healthTimeout),
      ...milliseconds('startPeriodMs', '--health-start-period', options.healthStartPeriod),
      ...milliseconds('startIntervalMs', '--health-start-interval', options.healthStartInterval),
      ...(healthRetries === undefined
        ? {}
        : { retries: parseInteger('--health-retries', healthRetries, 1, 1_000_000) }),
      ...parseStartup(options),
      ...parseLog(options, cwd),
    },
  };
}

/** What `update` changes; undefined for nothing. */
export function parseHealthChange(options: HealthOptions, cwd: string): Partial<HealthRequest> | undefined {
  const { isOff, onFailure, ...given } = parseHealth(options, cwd).health;
  const change = {
    ...given,
    ...(options.healthOnFailure === undefined ? {} : { onFailure }),
    ...(isOff || given.test ? { isOff } : {}),
  };
  return Object.keys(change).length > 0 ? change : undefined;
}

function parseStartup(options: HealthOptions): Pick<HealthRequest, 'startup'> {
  const { healthStartupCmd: command, healthStartupInterval = '30s', healthStartupTimeout = '30s' } = options;
  if (command === undefined || command === 'none') return {};
  const count = (flag: string, text: string) => parseInteger(flag, text, 0, 1_000_000);
  const { intervalMs = 0 } = milliseconds('intervalMs', '--health-startup-interval', healthStartupInterval);
  const { timeoutMs = 0 } = milliseconds('timeoutMs', '--health-startup-timeout', healthStartupTimeout);
  const test = parseTest(command, '--health-startup-cmd');
  const retries = count('--health-startup-retries', options.healthStartupRetries ?? '0');
  const successes = Math.max(1, count('--health-startup-success', options.healthStartupSuccess ?? '1'));
  return { startup: { test, intervalMs, timeoutMs, retries, successes } };
}

function parseLog(options: HealthOptions, cwd: string): Pick<HealthRequest, 'logCount' | 'logBytes' | 'logDirectory'> {
  const { healthLogDestination: place, healthMaxLogCount: count, healthMaxLogSize: size } = options;
  if (place === 'events_logger') {
    throw new CtrError(
      'UNSUPPORTED',
      '--health-log-destination events_logger: `events` tells of changes, not of each result',
    );
  }
  const directory = place === undefined || place === 'local' ? undefined : resolve(cwd, place);
  if (directory !== undefined && !statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw flagError('--health-log-destination', place ?? '', 'want a directory that exists, or local');
  }
  return {
    ...(count === undefined ? {} : { logCount: parseInteger('--health-max-log-count', count, 0, 1_000_000) }),
    ...(size === undefined ? {} : { logBytes: parseInteger('--health-max-log-size', size, 0, 1_000_000_000) }),
    ...(directory === undefined ? {} : { logDirectory: directory }),
  };
}

/** A shell command line; or a JSON array: words, with or without `CMD` or `CMD-SHELL` in front. */
function parseTest(text: string, flag = '--health-cmd'): readonly string[] {
  if (text === '') throw flagError(flag, text, 'want a command');
  if (!text.trimStart().startsWith('[')) return ['CMD-SHELL', text];
  const words = parseJson(text, flag, array(string));
  if (words.length === 0) throw flagError(flag, text, 'want a command');
  return words[0] === 'CMD' || words[0] === 'CMD-SHELL' ? words : ['CMD', ...words];
}

function milliseconds<Key extends string>(key: Key, flag: string, text: string | undefined): { [key in Key]?: number } {
  if (text === undefined) return {};
  const duration = parseDuration(text);
  if (duration === undefined || duration < 0) throw flagError(flag, text, 'want a duration, like 30s or 1m30s');
  return { [key]: Math.round(duration) } as { [key in Key]: number };
}
