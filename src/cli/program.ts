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
    name: 'exec',
    also: ['container exec'],
    group: 'container',
    summary: 'Run a command in a running container',
    load: () => import('./exec.ts'),
  },
  {
    name: 'port',
    also: ['container port'],
    group: 'container',
    summary: 'Show the published ports of a container',
    load: () => import('./port.ts'),
  },
  {
    name: 'top',
    also: ['container top'],
    group: 'container',
    summary: 'Show the processes of a container',
    load: () => import('./top.ts'),
  },
  {
    name: 'stats',
    also: ['container stats'],
    group: 'container',
    summary: 'Show what containers use: CPU, memory, network, disk',
    load: () => import('./stats.ts'),
  },
  {
    name: 'healthcheck run',
    also: [],
    group: 'container',
    summary: 'Run the health check of a container now',
    load: () => import('./healthcheck-run.ts'),
  },
  {
    name: 'create',
    also: ['container create'],
    group: 'container',
    summary: 'Make a container without starting it',
    load: () => import('./create.ts'),
  },
  {
    name: 'start',
    also: ['container start'],
    group: 'container',
    summary: 'Start containers that exist',
    load: () => import('./start.ts'),
  },
  {
    name: 'stop',
    also: ['container stop'],
    group: 'container',
    summary: 'Ask containers to end, then kill them',
    load: () => import('./stop.ts'),
  },
  {
    name: 'restart',
    also: ['container restart'],
    group: 'container',
    summary: 'Stop containers and start them again',
    load: () => import('./restart.ts'),
  },
  {
    name: 'kill',
    also: ['container kill'],
    group: 'container',
    summary: 'Send a signal to containers',
    load: () => import('./kill.ts'),
  },
  {
    name: 'rm',
    also: ['container rm', 'container remove'],
    group: 'container',
    summary: 'Remove containers',
    load: () => import('./rm.ts'),
  },
  {
    name: 'wait',
    also: ['container wait'],
    group: 'container',
    summary: 'Wait for containers to end and print their exit codes',
    load: () => import('./wait.ts'),
  },
  {
    name: 'pause',
    also: ['container pause'],
    group: 'container',
    summary: 'Freeze the processes of containers',
    load: () => import('./pause.ts'),
  },
  {
    name: 'unpause',
    also: ['container unpause'],
    group: 'container',
    summary: 'Let paused containers go on',
    load: () => import('./unpause.ts'),
  },
  {
    name: 'rename',
    also: ['container rename'],
    group: 'container',
    summary: 'Give a container another name',
    load: () => import('./rename.ts'),
  },
  {
    name: 'container exists',
    also: [],
    group: 'container',
    summary: 'Check by exit code whether a container is there',
    load: () => import('./container-exists.ts'),
  },
  {
    name: 'container prune',
    also: [],
    group: 'container',
    summary: 'Remove all containers that do not run',
    load: () => import('./container-prune.ts'),
  },
  {
    name: 'container cleanup',
    also: [],
    group: 'internal',
    summary: 'Clean up after a container that has ended',
    load: () => import('./container-cleanup.ts'),
  },
  {
    name: 'container text-log',
    also: [],
    group: 'internal',
    summary: 'Write the log of a container as text',
    load: () => import('./text-log.ts'),
  },
  {
    name: 'attach',
    also: ['container attach'],
    group: 'container',
    summary: 'Attach to a running container',
    load: () => import('./attach.ts'),
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
    name: 'image prune',
    also: [],
    group: 'image',
    summary: 'Delete images that are not in use',
    load: () => import('./image-prune.ts'),
  },
  {
    name: 'system df',
    also: [],
    group: 'system',
    summary: 'Show what takes how much space',
    load: () => import('./system-df.ts'),
  },
  {
    name: 'system prune',
    also: [],
    group: 'system',
    summary: 'Delete everything that is not in use',
    load: () => import('./system-prune.ts'),
  },
  {
    name: 'system check',
    also: [],
    group: 'system',
    summary: 'Check that everything stored is whole',
    load: () => import('./system-check.ts'),
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
    name: 'volume create',
    also: [],
    group: 'volume',
    summary: 'Make a volume',
    load: () => import('./volume-create.ts'),
  },
  {
    name: 'volume ls',
    also: ['volume list'],
    group: 'volume',
    summary: 'List volumes',
    load: () => import('./volume-ls.ts'),
  },
  {
    name: 'volume rm',
    also: ['volume remove'],
    group: 'volume',
    summary: 'Remove volumes',
    load: () => import('./volume-rm.ts'),
  },
  {
    name: 'volume prune',
    also: [],
    group: 'volume',
    summary: 'Remove the volumes that no container has',
    load: () => import('./volume-prune.ts'),
  },
  {
    name: 'volume exists',
    also: [],
    group: 'volume',
    summary: 'Check by exit code whether a volume is there',
    load: () => import('./volume-exists.ts'),
  },
  {
    name: 'volume export',
    also: [],
    group: 'volume',
    summary: 'Write the content of a volume as a tar archive',
    load: () => import('./volume-export.ts'),
  },
  {
    name: 'volume import',
    also: [],
    group: 'volume',
    summary: 'Add a tar archive to a volume',
    load: () => import('./volume-import.ts'),
  },
  {
    name: 'volume mount',
    also: ['volume unmount'],
    group: 'volume',
    summary: 'Show where the content of a volume is',
    load: () => import('./volume-mount.ts'),
  },
  {
    name: 'inspect',
    also: ['image inspect', 'container inspect', 'volume inspect'],
    group: 'system',
    summary: 'Show everything known about an object, as JSON',
    load: () => import('./inspect.ts'),
  },
  {
    name: 'events',
    also: ['system events'],
    group: 'system',
    summary: 'Show what happens to containers and images',
    load: () => import('./events.ts'),
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
