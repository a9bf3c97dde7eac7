/** The commands on secrets, and `update` (see program.ts). */
import type { CommandEntry } from './command-entry.ts';

export const resourceCommands: readonly CommandEntry[] = [
  {
    name: 'update',
    also: ['container update'],
    group: 'container',
    summary: 'Change the limits and the restart policy of containers',
    load: () => import('./update.ts'),
  },
  {
    name: 'secret create',
    also: [],
    group: 'system',
    summary: 'Keep a secret for containers',
    load: () => import('./secret-create.ts'),
  },
  {
    name: 'secret ls',
    also: ['secret list'],
    group: 'system',
    summary: 'List secrets',
    load: () => import('./secret-ls.ts'),
  },
  {
    name: 'secret inspect',
    also: [],
    group: 'system',
    summary: 'Show what is known about a secret',
    load: () => import('./secret-inspect.ts'),
  },
  {
    name: 'secret rm',
    also: ['secret remove'],
    group: 'system',
    summary: 'Remove secrets',
    load: () => import('./secret-rm.ts'),
  },
  {
    name: 'secret exists',
    also: [],
    group: 'system',
    summary: 'Check by exit code whether a secret is kept',
    load: () => import('./secret-exists.ts'),
  },
];
