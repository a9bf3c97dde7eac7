/** The commands whose start counts: they are found without the table of all the others (docs/adr/0002-bundle-and-start-up.md). */
import type { CommandEntry } from './command-entry.ts';

export const everyDayCommands: readonly CommandEntry[] = [
  {
    name: 'run',
    also: ['container run'],
    group: 'container',
    summary: 'Run a command in a new container',
    load: () => import('./run.ts'),
  },
  {
    name: 'ps',
    also: ['container ls', 'container list', 'container ps'],
    group: 'container',
    summary: 'List containers',
    load: () => import('./ps.ts'),
  },
  {
    name: 'exec',
    also: ['container exec'],
    group: 'container',
    summary: 'Run a command in a running container',
    load: () => import('./exec.ts'),
  },
];
