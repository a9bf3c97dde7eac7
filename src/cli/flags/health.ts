/** --health-*: how the container is asked whether it is well (podman-run(1), docs.docker.com "HEALTHCHECK"). */

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
  readonly healthOnFailure: string;
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
    .option('--health-on-failure <action>', `what to do then: ${healthActions.join(', ')}`, 'none')
    .option('--no-healthcheck', "ignore the image's check");
}

export function parseHealth(options: HealthOptions): { health: HealthRequest } {
  const onFailure = healthActions.find((action) => action === options.healthOnFailure);
  if (onFailure === undefined) {
    throw flagError('--health-on-failure', options.healthOnFailure, `want one of ${healthActions.join(', ')}`);
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
    },
  };
}

/** A shell command line; or a JSON array: words, with or without `CMD` or `CMD-SHELL` in front. */
function parseTest(text: string): readonly string[] {
  if (text === '') throw flagError('--health-cmd', text, 'want a command');
  if (!text.trimStart().startsWith('[')) return ['CMD-SHELL', text];
  const words = parseJson(text, '--health-cmd', array(string));
  if (words.length === 0) throw flagError('--health-cmd', text, 'want a command');
  return words[0] === 'CMD' || words[0] === 'CMD-SHELL' ? words : ['CMD', ...words];
}

function milliseconds<Key extends string>(key: Key, flag: string, text: string | undefined) {
  if (text === undefined) return {};
  const duration = parseDuration(text);
  if (duration === undefined || duration < 0) throw flagError(flag, text, 'want a duration, like 30s or 1m30s');
  return { [key]: Math.round(duration) };
}
