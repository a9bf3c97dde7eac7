/** `ctr images --tree`: which image is built on which, told by their layers. */
import type { Host } from '../base/host.ts';
import { describeImage, type ImageSummary, listStoredImages } from './images.ts';

export interface FamilyMember {
  readonly summary: ImageSummary;
  /** Images whose layers begin with all of this one's. */
  readonly children: readonly FamilyMember[];
}

/** Roots first, in the order given; an image hangs below the one that has most of its layers. */
export function imageFamilies(summaries: readonly ImageSummary[]): FamilyMember[] {
  const chains = new Map(summaries.map((summary) => [summary, summary.image.diffIds.join(' ')]));
  const members = new Map(summaries.map((summary) => [summary, { summary, children: [] as FamilyMember[] }]));
  const roots: FamilyMember[] = [];
  for (const [summary, member] of members) {
    const parent = parentOf(summary, chains);
    if (parent === undefined) roots.push(member);
    else members.get(parent)?.children.push(member);
  }
  return roots;
}

/** One image, and below it those whose layers begin with all of its own. */
export function imagesBuiltOn(host: Host, nameOrId: string): FamilyMember {
  const { image } = describeImage(host, nameOrId);
  const find = (members: readonly FamilyMember[]): FamilyMember | undefined => {
    return (
      members.find(({ summary }) => summary.image.id === image.id) ??
      members.map(({ children }) => find(children)).find(Boolean)
    );
  };
  return find(imageFamilies(listStoredImages(host))) ?? { summary: describeImage(host, nameOrId), children: [] };
}

function parentOf(child: ImageSummary, chains: ReadonlyMap<ImageSummary, string>): ImageSummary | undefined {
  const chain = chains.get(child) ?? '';
  let best: ImageSummary | undefined;
  for (const [candidate, prefix] of chains) {
    if (prefix === '' || !chain.startsWith(`${prefix} `)) continue;
    if (best === undefined || candidate.image.diffIds.length > best.image.diffIds.length) best = candidate;
  }
  return best;
}
