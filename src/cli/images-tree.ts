/** The text of `ctr images --tree`. */
import { humanSize } from '../base/units.ts';
import type { FamilyMember } from '../engine/image-family.ts';
import { shortId } from '../engine/images.ts';

/** One line for an image with all its names, those built on it below. */
export function treeText(roots: readonly FamilyMember[]): string {
  return roots.flatMap((root) => [lineOf(root), ...branches(root.children, '')]).join('');
}

function branches(children: readonly FamilyMember[], indent: string): string[] {
  return children.flatMap((child, at) => {
    const isLast = at === children.length - 1;
    const below = branches(child.children, `${indent}${isLast ? '   ' : '│  '}`);
    return [`${indent}${isLast ? '└─ ' : '├─ '}${lineOf(child)}`, ...below];
  });
}

function lineOf({ summary: { image, names, sizeBytes } }: FamilyMember): string {
  const layers = `${image.diffIds.length} layer${image.diffIds.length === 1 ? '' : 's'}`;
  return `${names.join(' ') || '<none>'}  ${shortId(image.id)}  ${humanSize(sizeBytes)}  ${layers}\n`;
}
