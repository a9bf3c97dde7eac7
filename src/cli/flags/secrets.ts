/** --secret (podman-run(1)): a secret of the store, as a file or as a variable. */

import { posix } from 'node:path';
import type { SecretRequest } from '../../engine/sandbox-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { splitKeyValue } from './key-value.ts';
import { parseInteger } from './size.ts';

export interface SecretOptions {
  readonly secret: readonly string[];
}

export function addSecretFlags(command: FlagSet): void {
  command
    .optionsGroup('Security:')
    .option('--secret <name[,type=,target=,uid=,gid=,mode=]>', 'a secret: /run/secrets/NAME, or type=env', collect, []);
}

const lastId = 4_294_967_294;

/** `name`, `source=name,type=mount,target=/path,uid=0,gid=0,mode=0400`, `name,type=env,target=VARIABLE`. */
export function parseSecret(word: string): SecretRequest {
  const [first = '', ...rest] = word.split(',');
  const named = first.includes('=') ? [first, ...rest] : [`source=${first}`, ...rest];
  const values = new Map(named.map((one) => splitKeyValue(one)));
  const unknown = [...values.keys()].find((key) => !known.has(key));
  if (unknown !== undefined)
    throw flagError('--secret', word, `${JSON.stringify(unknown)} is not one of ${[...known].join(', ')}`);
  const name = values.get('source') ?? values.get('src') ?? '';
  const type = values.get('type') ?? 'mount';
  if (name === '') throw flagError('--secret', word, 'want the name of a secret');
  if (type !== 'mount' && type !== 'env') throw flagError('--secret', word, 'want type=mount or type=env');
  const target = values.get('target') ?? name;
  const mode = values.get('mode') ?? '0444';
  if (!/^0?[0-7]{1,4}$/.test(mode)) throw flagError('--secret', word, 'want an octal mode like 0400');
  if (type === 'env' && !/^[^=\0]+$/.test(target)) throw flagError('--secret', word, 'want the name of a variable');
  const id = (key: 'uid' | 'gid') => parseInteger(`--secret ${key}`, values.get(key) ?? '0', 0, lastId);
  return {
    ...{ name, type, uid: id('uid'), gid: id('gid'), mode: Number.parseInt(mode, 8) },
    target: type === 'env' ? target : posix.resolve('/run/secrets', target),
  };
}

const known: ReadonlySet<string> = new Set(['source', 'src', 'type', 'target', 'uid', 'gid', 'mode']);
