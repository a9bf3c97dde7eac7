/** --userns, --uidmap, --gidmap (podman-run(1)); docs/rootless.md "Choosing the ids" says what each looks like. */

import { CtrError } from '../../base/ctr-error.ts';
import type { IdRange, UsernsRequest } from '../../engine/sandbox-request.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { parseInteger } from './size.ts';

export interface UsernsOptions {
  readonly userns?: string;
  readonly uidmap: readonly string[];
  readonly gidmap: readonly string[];
}

const lastId = 4_294_967_294;

export function addUsernsFlags(command: FlagSet): void {
  command
    .optionsGroup('Namespaces:')
    .option(
      '--userns <mode>',
      'its user ids: host, keep-id[:uid=N,gid=N,exact], nomap, auto[:size=N,uidmapping=…,gidmapping=…], container:ID',
    )
    .option('--uidmap <container:from:size>', 'map user ids; "from" 0 is you, 1 your first subordinate id', collect, [])
    .option('--gidmap <container:from:size>', 'map group ids likewise', collect, []);
}

/** Podman's default may come from PODMAN_USERNS. Undefined: the usual map, you are root. */
export function parseUserns(
  options: UsernsOptions,
  env: Readonly<Record<string, string | undefined>>,
): UsernsRequest | undefined {
  const { uidmap, gidmap } = options;
  if (uidmap.length > 0 || gidmap.length > 0) {
    if (options.userns !== undefined)
      throw new CtrError('USAGE', '--userns cannot be combined with --uidmap and --gidmap');
    const uid = uidmap.map((word) => parseRange('--uidmap', word));
    const gid = gidmap.map((word) => parseRange('--gidmap', word));
    return { mode: 'map', uid: uid.length > 0 ? uid : gid, gid: gid.length > 0 ? gid : uid };
  }
  return parseMode(options.userns ?? env.PODMAN_USERNS ?? '');
}

function parseMode(word: string): UsernsRequest | undefined {
  const colon = word.indexOf(':');
  const [mode, rest] = colon === -1 ? [word, ''] : [word.slice(0, colon), word.slice(colon + 1)];
  switch (mode) {
    case '':
    case 'private':
      return undefined;
    case 'host':
    case 'nomap':
      return { mode };
    case 'container':
      if (rest === '') throw flagError('--userns', word, 'want container:NAME or container:ID');
      return { mode, container: rest };
    case 'keep-id':
      return parseKeepId(word, rest);
    case 'auto':
      return parseAuto(word, rest);
    default:
      throw flagError('--userns', word, 'want host, keep-id, nomap, auto or container:ID');
  }
}

function parseKeepId(word: string, rest: string): UsernsRequest {
  let [uid, gid, exact]: [number | undefined, number | undefined, boolean] = [undefined, undefined, false];
  for (const option of rest.split(',').filter((one) => one !== '')) {
    const [key, value = ''] = option.split('=');
    if (key === 'uid') uid = parseInteger('--userns keep-id:uid', value, 0, lastId);
    else if (key === 'gid') gid = parseInteger('--userns keep-id:gid', value, 0, lastId);
    else if (option === 'exact') exact = true;
    // The size of Podman's map: here all subordinate ids are mapped, whatever their number.
    else if (key !== 'size') throw flagError('--userns', word, 'keep-id takes uid=N, gid=N and exact');
  }
  return { mode: 'keep-id', ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }), exact };
}

/** podman-run(1) "--userns=auto". */
function parseAuto(word: string, rest: string): UsernsRequest {
  let size: number | undefined;
  const [uid, gid]: [IdRange[], IdRange[]] = [[], []];
  for (const option of rest.split(',').filter((one) => one !== '')) {
    const [key, value = ''] = option.split(/=(.*)/s);
    if (key === 'size') size = parseInteger('--userns auto:size', value, 1, lastId);
    else if (key === 'uidmapping') uid.push(parseRange('--userns auto:uidmapping', value));
    else if (key === 'gidmapping') gid.push(parseRange('--userns auto:gidmapping', value));
    else throw flagError('--userns', word, 'auto takes size=N, uidmapping=CONTAINER:FROM:SIZE and gidmapping=…');
  }
  return { mode: 'auto', ...(size === undefined ? {} : { size }), uid, gid };
}

function parseRange(flag: string, word: string): IdRange {
  const [, container = '', from = '', size = '1'] = /^(\d+):@?(\d+)(?::(\d+))?$/.exec(word) ?? [];
  const id = (text: string) => parseInteger(flag, text, 0, lastId);
  if (container === '') throw flagError(flag, word, 'want CONTAINER:FROM[:SIZE]');
  return { container: id(container), from: id(from), size: Math.max(1, id(size)) };
}
