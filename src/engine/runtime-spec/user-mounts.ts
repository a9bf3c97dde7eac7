/** What `-v`, `--mount`, `--tmpfs`, `--read-only` and the image's volumes add (podman-run(1)). */
import { posix } from 'node:path';
import type { ContainerDefaults } from '../../oci/image-config.ts';
import type { RuntimeMount } from '../../oci/runtime.ts';
import type { MountRequest, RunRequest } from '../run-request.ts';
import type { ContainerUser } from '../user-lookup.ts';
import type { HostFacts } from './facts.ts';

/** The user's mounts, and an anonymous volume (or what --image-volume says) for each volume of the image that the user mounts nothing over. */
export function requestedMounts(request: RunRequest, defaults: ContainerDefaults): MountRequest[] {
  if (request.imageVolumes === 'ignore') return [...request.mounts];
  const type = request.imageVolumes ?? 'volume';
  const taken = new Set(request.mounts.map(({ target }) => target));
  const ofImage = Object.keys(defaults.Volumes ?? {})
    .map((path) => posix.resolve('/', path))
    .filter((target) => target !== '/' && !taken.has(target))
    .map((target): MountRequest => ({ type, target, readOnly: false, options: [] }));
  return [...request.mounts, ...ofImage];
}

/** One requested mount in the runtime's words. */
export function runtimeMount(mount: MountRequest, facts: HostFacts, user: ContainerUser): RuntimeMount {
  const destination = mount.target;
  const access = mount.readOnly ? 'ro' : 'rw';
  const words = mount.options.filter((word) => !forEngine.test(word));
  switch (mount.type) {
    case 'bind':
      return sourcedMount(mount, facts, words, access);
    case 'volume':
      return sourcedMount(mount, facts, withDefault(withDefault(words, 'nosuid', 'suid'), 'nodev', 'dev'), access);
    case 'image':
      return sourcedMount(mount, facts, [], access);
    case 'tmpfs':
      return { destination, type: 'tmpfs', source: 'tmpfs', options: [...memoryOptions(mount, words, user), access] };
    case 'ramfs': {
      const kept = memoryOptions(mount, words, user).filter((word) => !/^(size|nr_|[ug]id=|huge)/.test(word));
      return { destination, type: 'ramfs', source: 'ramfs', options: [...kept, access] };
    }
    case 'devpts':
      return {
        destination,
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', ...words],
      };
  }
}

/** --read-only with --read-only-tmpfs: the places that programs must be able to write, unless something is there. */
export function readOnlyTmpfs(request: RunRequest, mounts: readonly MountRequest[]): RuntimeMount[] {
  if (!request.readOnly || !request.readOnlyTmpfs) return [];
  return ['/run', '/tmp', '/var/tmp']
    .filter((path) => !mounts.some(({ target }) => target === path))
    .map((destination) => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['rprivate', 'nosuid', 'nodev', 'tmpcopyup', 'rw'],
    }));
}

/** Parents before what is mounted below them; otherwise the given order. */
export function parentsFirst(mounts: readonly RuntimeMount[]): RuntimeMount[] {
  const depth = (path: string) => path.split('/').length;
  return [...mounts].sort((a, b) => depth(a.destination) - depth(b.destination));
}

/** Words that ctr itself acts on: owners, SELinux labels, copying, overlays. */
const forEngine = /^(U|z|Z|O|copy|nocopy|(upper|work)dir=.*)$/;
const propagation = /^r?(shared|slave|private|unbindable)$/;

function bindOptions(words: readonly string[]): string[] {
  const bind = words.includes('bind') ? [] : ['rbind'];
  const spread = words.some((word) => propagation.test(word)) ? [] : ['rprivate'];
  return [...new Set([...bind, ...spread, ...words])];
}

function sourcedMount(mount: MountRequest, facts: HostFacts, words: readonly string[], access: string): RuntimeMount {
  const { type, source, options } = facts.sourceOf(mount);
  const own = type === 'bind' ? bindOptions([...options, ...words]) : [...options, ...words];
  const below = mount.subpath === undefined ? [] : [`subpath=${mount.subpath}`];
  return { destination: mount.target, type, source, options: [...own, access, ...below] };
}

/**
 * Podman's defaults: nosuid and nodev (not noexec, whatever podman-run(1) says), and the image's content at the place
 * is copied in.
 */
function memoryOptions(mount: MountRequest, words: readonly string[], user: ContainerUser): string[] {
  const owner = mount.options.includes('U') ? [`uid=${user.uid}`, `gid=${user.gid}`] : [];
  const guarded = withDefault(withDefault([...words, ...owner], 'nosuid', 'suid'), 'nodev', 'dev');
  const spread = guarded.some((word) => propagation.test(word)) ? guarded : ['rprivate', ...guarded];
  return withDefault(spread, 'tmpcopyup', 'notmpcopyup').filter((word) => word !== 'notmpcopyup');
}

const withDefault = (words: readonly string[], word: string, opposite: string): string[] =>
  words.includes(word) || words.includes(opposite) ? [...words] : [...words, word];
