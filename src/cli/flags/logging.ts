/** --log-driver and --log-opt. */

import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import { type LogRequest, logDrivers } from '../../engine/run-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { splitKeyValue } from './key-value.ts';
import { parseInteger, parseSize } from './size.ts';

export interface LoggingOptions {
  readonly logDriver: string;
  readonly logOpt: readonly string[];
}

export function addLoggingFlags(command: FlagSet): void {
  command
    .optionsGroup('Logging:')
    .option('--log-driver <driver>', `where output is kept: ${logDrivers.join(', ')}`, 'framed')
    .option('--log-opt <name=value>', 'max-size (-1: no limit), max-file, path, tag', collect, []);
}

/** Logs rotate unless the user says otherwise: a chatty container must not fill the disk. */
const defaultLimits = { maxBytes: 10 * 1024 * 1024, maxFiles: 3 };

export function parseLogging(options: LoggingOptions, cwd: string): { logging: LogRequest } {
  const driver = logDrivers.find((each) => each === options.logDriver);
  if (driver === undefined) throw flagError('--log-driver', options.logDriver, `want one of ${logDrivers.join(', ')}`);
  let logging: LogRequest = { driver, ...defaultLimits };
  for (const word of options.logOpt) logging = { ...logging, ...parseLogOption(word, cwd) };
  if (logging.path !== undefined && !writesText(driver)) {
    throw new CtrError('USAGE', `--log-opt path is for --log-driver json-file and k8s-file, not ${driver}`);
  }
  return { logging };
}

const writesText = (driver: LogRequest['driver']) => driver === 'json-file' || driver === 'k8s-file';

function parseLogOption(word: string, cwd: string): Partial<LogRequest> {
  const [name, value] = splitKeyValue(word);
  if (value === undefined || value === '') throw flagError('--log-opt', word, 'want NAME=VALUE');
  switch (name) {
    case 'max-size':
      return { maxBytes: value === '-1' ? 0 : Math.max(parseSize('--log-opt max-size', value), 1) };
    case 'max-file':
      return { maxFiles: parseInteger('--log-opt max-file', value, 1, 1000) };
    case 'path':
      return { path: resolve(cwd, value) };
    case 'tag':
      return { tag: value };
    default:
      throw flagError('--log-opt', word, 'the options are max-size, max-file, path and tag');
  }
}
