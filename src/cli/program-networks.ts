/** The commands on networks (see program.ts). */
import type { CommandEntry } from './command-entry.ts';

export const networkCommands: readonly CommandEntry[] = [
  {
    name: 'network create',
    also: [],
    group: 'network',
    summary: 'Make a network',
    load: () => import('./network-create.ts'),
  },
  {
    name: 'network ls',
    also: ['network list'],
    group: 'network',
    summary: 'List networks',
    load: () => import('./network-ls.ts'),
  },
  {
    name: 'network rm',
    also: ['network remove'],
    group: 'network',
    summary: 'Remove networks',
    load: () => import('./network-rm.ts'),
  },
  {
    name: 'network prune',
    also: [],
    group: 'network',
    summary: 'Remove the networks that no container has',
    load: () => import('./network-prune.ts'),
  },
  {
    name: 'network connect',
    also: [],
    group: 'network',
    summary: 'Put a container on one more network',
    load: () => import('./network-connect.ts'),
  },
  {
    name: 'network disconnect',
    also: [],
    group: 'network',
    summary: 'Take a container off a network',
    load: () => import('./network-disconnect.ts'),
  },
  {
    name: 'network exists',
    also: [],
    group: 'network',
    summary: 'Check by exit code whether a network is there',
    load: () => import('./network-exists.ts'),
  },
  {
    name: 'network reload',
    also: [],
    group: 'network',
    summary: 'Make again what serves the networks of containers',
    load: () => import('./network-reload.ts'),
  },
  {
    name: 'network update',
    also: [],
    group: 'network',
    summary: 'Change the name servers of a network',
    load: () => import('./network-update.ts'),
  },
  {
    name: 'network sync',
    also: [],
    group: 'internal',
    summary: 'Tell the other machines of an overlay network who is on it, or hear one',
    load: () => import('./network-sync.ts'),
  },
];
