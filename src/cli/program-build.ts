/** The commands that build (see program.ts). */
import type { CommandEntry } from './command-entry.ts';

export const buildCommands: readonly CommandEntry[] = [
  {
    name: 'build',
    also: ['image build', 'buildx build', 'builder build', 'buildx b'],
    group: 'build',
    summary: 'Build an image by a Dockerfile',
    load: () => import('./build.ts'),
  },
  {
    name: 'builder prune',
    also: ['buildx prune'],
    group: 'build',
    summary: 'Forget what builds have kept for the next one',
    load: () => import('./builder-prune.ts'),
  },
  {
    name: 'builder du',
    also: ['buildx du'],
    group: 'build',
    summary: 'Show what builds have kept',
    load: () => import('./builder-du.ts'),
  },
];
