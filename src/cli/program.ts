/**
 * What ctr can do: the table of commands. Only the command that is asked for is loaded.
 *
 * To add a command:
 *   1. write cli/<name>.ts with `export const command: CommandSpec<…Flags>` (cli/command.ts; cli/tag.ts is a short one);
 *   2. add a row here: its name, other names (`image ls`), group and one-line summary;
 *   3. shared flags come from cli/flags/, the work from engine/: the module turns flags into a request and prints.
 */
import type { CommandSpec } from './command.ts';

export type CommandGroup = 'container' | 'image' | 'build' | 'volume' | 'network' | 'system' | 'internal';

export interface CommandEntry {
  /** As typed: `images`, or with its group when it exists only there: `image exists`. */
  readonly name: string;
  readonly also: readonly string[];
  /** `internal` is not shown. */
  readonly group: CommandGroup;
  readonly summary: string;
  load(): Promise<{ readonly command: CommandSpec }>;
}

export const groups: Readonly<Record<Exclude<CommandGroup, 'internal'>, string>> = {
  container: 'Containers',
  image: 'Images',
  build: 'Building',
  volume: 'Volumes',
  network: 'Networks',
  system: 'System',
};

export const commands: readonly CommandEntry[] = [
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
    name: 'logs',
    also: ['container logs'],
    group: 'container',
    summary: 'Show what a container wrote',
    load: () => import('./logs.ts'),
  },
  {
    name: 'pull',
    also: ['image pull'],
    group: 'image',
    summary: 'Download an image from a registry',
    load: () => import('./pull.ts'),
  },
  {
    name: 'push',
    also: ['image push'],
    group: 'image',
    summary: 'Upload an image to a registry or another place',
    load: () => import('./push.ts'),
  },
  {
    name: 'login',
    also: [],
    group: 'system',
    summary: 'Log in to a registry',
    load: () => import('./login.ts'),
  },
  {
    name: 'logout',
    also: [],
    group: 'system',
    summary: 'Forget the credentials for a registry',
    load: () => import('./logout.ts'),
  },
  {
    name: 'save',
    also: ['image save'],
    group: 'image',
    summary: 'Write images into an archive',
    load: () => import('./save.ts'),
  },
  {
    name: 'load',
    also: ['image load'],
    group: 'image',
    summary: 'Read images from an archive',
    load: () => import('./load.ts'),
  },
  {
    name: 'import',
    also: ['image import'],
    group: 'image',
    summary: 'Make an image from the archive of a root file system',
    load: () => import('./import.ts'),
  },
  {
    name: 'images',
    also: ['image ls', 'image list'],
    group: 'image',
    summary: 'List images',
    load: () => import('./images.ts'),
  },
  {
    name: 'rmi',
    also: ['image rm', 'image remove'],
    group: 'image',
    summary: 'Remove images',
    load: () => import('./rmi.ts'),
  },
  {
    name: 'tag',
    also: ['image tag'],
    group: 'image',
    summary: 'Give an image another name',
    load: () => import('./tag.ts'),
  },
  {
    name: 'untag',
    also: ['image untag'],
    group: 'image',
    summary: 'Take names away from an image',
    load: () => import('./untag.ts'),
  },
  {
    name: 'history',
    also: ['image history'],
    group: 'image',
    summary: 'Show how the layers of an image were made',
    load: () => import('./history.ts'),
  },
  {
    name: 'image exists',
    also: [],
    group: 'image',
    summary: 'Check by exit code whether an image is there',
    load: () => import('./image-exists.ts'),
  },
  {
    name: 'inspect',
    also: ['image inspect'],
    group: 'system',
    summary: 'Show everything known about an object, as JSON',
    load: () => import('./inspect.ts'),
  },
  {
    name: 'info',
    also: ['system info'],
    group: 'system',
    summary: 'Show what this host offers and where things are kept',
    load: () => import('./info.ts'),
  },
  {
    name: 'doctor',
    also: ['system doctor'],
    group: 'system',
    summary: 'Try what containers need on this host, with a remedy for each failure',
    load: () => import('./doctor.ts'),
  },
  {
    name: 'version',
    also: [],
    group: 'system',
    summary: 'Show the versions of ctr and what it runs on',
    load: () => import('./version.ts'),
  },
];
