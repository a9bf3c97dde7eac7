/**
 * Debian 12's podman (4.3.1, crun) as the same unprivileged user: to compare with, and to nest in.
 *
 * What makes it run rootless without systemd, found by trying:
 * - storage.conf `driver = "overlay"`: else it chooses vfs where it finds no fuse-overlayfs;
 * - containers.conf `cgroup_manager = "cgroupfs"` (no D-Bus), `events_logger = "none"` (no journal);
 * - `pids_limit = 0`: its default of 2048 fails where the pids controller is not delegated;
 * - /sys/fs/cgroup must be one cgroup2 file system: on a hybrid or v1 host it is mounted so in a private mount
 *   namespace, seen by the command alone (`inCgroup2`, root only); the host's own hierarchies stay as they are;
 * - its pause process (catatonit) outlives the command: end it with the user's other processes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { asUserArgv, type UserIdentity } from './run-as.ts';

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

/** `argv` with a pure cgroup v2 on /sys/fs/cgroup; unchanged when it is there already or the caller is not root. */
export function inCgroup2(argv: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [...argv];
  const mount =
    '[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || ' +
    '{ umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup; } && exec "$@"';
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, 'sh', ...argv];
}

/** The argv that runs `podman ARGS` as `user`; to be started by the caller's own identity. */
export function podmanArgv(user: UserIdentity, args: readonly string[]): string[] {
  return inCgroup2(asUserArgv(user, ['podman', ...args]));
}
