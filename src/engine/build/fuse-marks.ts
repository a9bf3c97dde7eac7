/**
 * fuse-overlayfs marks every directory that it makes as opaque, and does so by files, too. Here only what hides
 * something stays, in the kernel's form where the file system takes that: a layer must not depend on the driver, and the
 * mount points of a RUN are taken out of it only if they are empty.
 */
import { lstatSync, lutimesSync, readdirSync, unlinkSync } from 'node:fs';
import { type ByteString, fromText, toPath } from '../../image/layer/byte-string.ts';
import { makeOpaque, makeWhiteout } from '../../image/layer/overlay-marks.ts';
import { getXattr, removeXattr } from '../../linux/files.ts';
import { entryIn, type Merged } from './layer-stack.ts';

const prefix = '.wh.';
const opaqueFile = '.wh..wh..opq';
const opaqueAttribute = 'user.overlay.opaque';

/** `lower`: the layers below, uppermost first. */
export function settleMarks(upper: string, lower: readonly string[]): void {
  settle(fromText(upper), lower.map(fromText));
}

/** `below`: what the layers show at this place; nothing when a directory above is opaque. */
function settle(directory: ByteString, below: Merged): void {
  const stat = lstatSync(toPath(directory));
  const names = readdirSync(toPath(directory), { encoding: 'latin1' });
  const hasAttribute = getXattr(toPath(directory), opaqueAttribute)?.toString() === 'y';
  const isOpaque = hasAttribute || names.includes(opaqueFile);
  for (const name of names.filter((each) => each.startsWith(prefix))) {
    unlinkSync(toPath(`${directory}/${name}`));
    const hidden = name.slice(prefix.length);
    if (name !== opaqueFile && !isOpaque && entryIn(below, hidden)) makeWhiteout(`${directory}/${hidden}`);
  }
  if (hasAttribute) removeXattr(toPath(directory), opaqueAttribute);
  if (isOpaque && below.length > 0) makeOpaque(directory);
  for (const name of names.filter((each) => !each.startsWith(prefix))) {
    const path = `${directory}/${name}`;
    if (!lstatSync(toPath(path)).isDirectory()) continue;
    settle(path, isOpaque ? [] : (entryIn(below, name)?.merged ?? []));
  }
  lutimesSync(toPath(directory), stat.atimeMs / 1000, stat.mtimeMs / 1000);
}
