/**
 * Debian 12's podman (4.3.1, crun) as the same unprivileged user: to compare with, and to nest in.
 *
 * What makes it run rootless without systemd, found by trying:
 * - storage.conf `driver = "overlay"`: else it chooses vfs where it finds no fuse-overlayfs;
 * - containers.conf `cgroup_manager = "cgroupfs"` (no D-Bus), `events_logger = "none"` (no journal);
 * - `pids_limit = 0`: its default of 2048 fails where the pids controller is not delegated;
 * - /sys/fs/cgroup must be one cgroup2 file system ("cgroups in hybrid mode not supported"). On a hybrid or v1 host
 *   `startPodman` mounts it so in a private mount namespace, seen by podman alone (root only); podman's pause process
 *   keeps that namespace, and every later podman command of the user joins it by itself;
 * - that pause process (catatonit) outlives the commands: end it with the user's other processes.
 */
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { asUser, asUserArgv, type UserIdentity } from './run-as.ts';
import { callingUser } from './user.ts';

/** Write the configuration above into the user's home; `insecure` are registries that speak plain HTTP. */
export function configurePodman(home: string, insecure: readonly string[] = []): void {
  const dir = `${home}/.config/containers`;
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${dir}/storage.conf`, '[storage]\ndriver = "overlay"\n');
  const engine = ['[engine]', 'cgroup_manager = "cgroupfs"', 'events_logger = "none"', 'runtime = "crun"'];
  writeFileSync(`${dir}/containers.conf`, [...engine, '[containers]', 'pids_limit = 0', ''].join('\n'));
  const registries = insecure.map((location) => `[[registry]]\nlocation = "${location}"\ninsecure = true\n`);
  writeFileSync(`${dir}/registries.conf`, registries.join('\n'));
  writeFileSync(`${dir}/policy.json`, '{"default":[{"type":"insecureAcceptAnything"}]}');
}

/** Start podman's pause process for `user`, where need be in a mount namespace with a pure cgroup v2. */
export async function startPodman(user: UserIdentity, env: Readonly<Record<string, string>>): Promise<void> {
  const first = withUnifiedCgroups(asUserArgv(user, ['podman', 'unshare', 'true']));
  const outcome = await asUser(callingUser(), first, { env });
  if (outcome.code !== 0) throw new Error(`podman does not start: ${outcome.stderr}`);
}

/** `argv` in a mount namespace with cgroup2 on /sys/fs/cgroup; unchanged where it is so already, or without root. */
export function withUnifiedCgroups(argv: readonly string[]): string[] {
  if (hasUnifiedCgroups() || process.getuid?.() !== 0) return [...argv];
  const mount = 'umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$@"';
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, 'sh', ...argv];
}

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
export function hasUnifiedCgroups(): boolean {
  return statfsSync('/sys/fs/cgroup').type === 0x63677270;
}
