/**
 * The side file of single-id mode: owners that the disk cannot show, so that push and commit stay faithful.
 * One line per entry that is not root's: `UID GID MODE PATH`, mode in octal, the path with %XX for bytes that are not
 * printable ASCII.
 */
import { CtrError } from '../../base/ctr-error.ts';
import type { ByteString } from './byte-string.ts';
import type { DirectoryNode, Owner } from './layer-tree.ts';

export type Owners = Pick<ReadonlyMap<ByteString, Owner>, 'get'>;

export function formatOwners(owners: Iterable<readonly [ByteString, Owner]>): string {
  let text = '';
  for (const [path, { uid, gid, mode }] of owners) text += `${uid} ${gid} ${mode.toString(8)} ${escaped(path)}\n`;
  return text;
}

export function parseOwners(text: string): ReadonlyMap<ByteString, Owner> {
  const owners = new Map<ByteString, Owner>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = /^([0-9]+) ([0-9]+) ([0-7]+) ([!-~]*)$/.exec(line);
    if (!match)
      throw new CtrError('INVALID', `the file of owners beside a layer has a damaged line: ${line.slice(0, 80)}`);
    const [, uid, gid, mode, path = ''] = match;
    owners.set(unescaped(path), { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode ?? '', 8) });
  }
  return owners;
}

/** The owners recorded in a layer's tree, by path. */
export function* ownersBelow(
  directory: DirectoryNode,
  ownerOf: (directory: DirectoryNode) => Owner | undefined,
): Generator<readonly [ByteString, Owner]> {
  const own = ownerOf(directory);
  if (own) yield [directory.path, own];
  for (const [base, node] of directory.children) {
    if (node.kind === 'directory') yield* ownersBelow(node, ownerOf);
    else if (node.owner) yield [directory.path === '' ? base : `${directory.path}/${base}`, node.owner];
  }
}

const escaped = (path: ByteString) =>
  path.replace(/[^!-$&-~]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);

const unescaped = (text: string) =>
  text.replace(/%([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
