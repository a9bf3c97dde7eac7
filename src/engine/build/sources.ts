/** Where `--from` and a bind mount read: stages, images, named contexts, the build context. */
import { resolveFrom } from '../../build/plan-build.ts';
import { loadImage } from './base-image.ts';
import { type Build, diffIdsOf } from './build-state.ts';
import { layersBelow } from './new-layer.ts';
import type { SourceTree } from './source-walk.ts';

export interface Source {
  readonly tree: SourceTree;
  /** What the tree is, where its files need not be read to know; absent for a directory of the user's. */
  readonly identity?: readonly string[];
}

/** `from` as written; absent: the build context. */
export async function sourceFor(build: Build, stageIndex: number, from: string | undefined): Promise<Source> {
  if (from === undefined) return { tree: build.contexts.main };
  const origin = resolveFrom(build.plan, stageIndex, from);
  switch (origin.kind) {
    case 'scratch':
      return { tree: { layers: [build.scratch.directory()], what: 'scratch', isContext: false }, identity: [] };
    case 'context':
      return { tree: build.contexts.main };
    case 'stage': {
      const state = await build.stateOf(origin.index);
      return ofLayers(build, state, `stage ${from}`);
    }
    case 'named-context': {
      const found = await build.contexts.named(origin.name);
      if ('image' in found) return ofLayers(build, await loadImage(build, found.image), found.image);
      if (!('layout' in found)) return { tree: found };
      const { loadLayoutImage } = await import('./layout-image.ts');
      return ofLayers(build, await loadLayoutImage(build, found.layout), origin.name);
    }
    case 'image':
      return ofLayers(build, await loadImage(build, origin.reference), origin.reference);
    default:
      return origin satisfies never;
  }
}

function ofLayers(build: Build, state: Parameters<typeof diffIdsOf>[0], what: string): Source {
  const layers = layersBelow(build, state);
  const empty = layers.length === 0 ? [build.scratch.directory()] : layers;
  return { tree: { layers: empty, what, isContext: false }, identity: diffIdsOf(state) };
}
