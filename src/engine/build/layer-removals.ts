/**
 * What stacked layers take away from what lies below them, as marks in the one layer that takes their place (image-spec
 * layer.md "Whiteouts"). Runs in the user namespace, like layer-place.ts.
 */
import { readdirSync } from 'node:fs';
import { type ByteString, toPath } from '../../image/layer/byte-string.ts';
import { makeOpaque, makeWhiteout } from '../../image/layer/overlay-marks.ts';
import { entryIn, isOpaque, type Merged, statOf } from './layer-stack.ts';

/** `target` has what the stack `upper` shows already; `below` is what it will be mounted on. */
export function markRemovals(target: ByteString, upper: Merged, below: Merged): void {
  for (const name of namesIn(upper)) {
    const lower = entryIn(below, name);
    if (!lower) continue;
    const own = `${target}/${name}`;
    const found = entryIn(upper, name);
    if (!found) makeWhiteout(own);
    else if (found.merged.length > 0 && lower.merged.length > 0) {
      if (hides(upper, name)) makeOpaque(own);
      else markRemovals(own, found.merged, lower.merged);
    }
  }
}

/** Marks and what they stand for count as the name. */
function namesIn(upper: Merged): Set<ByteString> {
  const names = upper.flatMap((layer) => readdirSync(toPath(layer), { encoding: 'latin1' }));
  const plain = names.map((name) => (name.startsWith('.wh.') ? name.slice('.wh.'.length) : name));
  return new Set(plain.filter((name) => !name.startsWith('.wh.')).sort());
}

/** Whether a directory of the stack shows nothing of what is below the stack. */
function hides(upper: Merged, name: ByteString): boolean {
  return upper.some((layer) => {
    const stat = statOf(`${layer}/${name}`);
    if (!stat) return statOf(`${layer}/.wh.${name}`) !== undefined;
    return !stat.isDirectory() || isOpaque(`${layer}/${name}`);
  });
}
