/**
 * The bench that an e2e test works at: one unprivileged user with a home, a runtime directory and an own store, the
 * installed tool on PATH, and the names of the images in the registry. With
 * `CTR_E2E_TOOL=podman` that tool is podman: it shows whether an expectation is the field's or only ours.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { inject } from 'vitest';
import { type ImageName, pushFixture, referenceOf } from './images.ts';
import { configurePodman, startPodman } from './podman.ts';
import { asUser, type Outcome, type Running, type RunOptions, startAs, type UserIdentity } from './run-as.ts';
import { callingUser, createHome, createUser, killProcessesOf, processesOf, removeTree, removeUser } from './user.ts';

export type CommandOptions = Partial<RunOptions>;

export interface Bed {
  readonly user: UserIdentity;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the tool keeps images and containers. */
  readonly dataRoot: string;
  readonly registryHost: string;
  image(name: ImageName): string;
  /** Run `ctr ARGS` to its end. */
  ctr(...args: readonly string[]): Promise<Outcome>;
  ctrWith(options: CommandOptions, ...args: readonly string[]): Promise<Outcome>;
  /** Start `ctr ARGS`; the child is ctr itself, for signals. */
  start(...args: readonly string[]): Running;
  startWith(options: CommandOptions, ...args: readonly string[]): Running;
  /** Run a shell command line as the user, with `ctr` on PATH. */
  sh(command: string, options?: CommandOptions): Promise<Outcome>;
  /** Run `podman ARGS` as the user, with a store of its own in the same home. */
  podman(...args: readonly string[]): Promise<Outcome>;
  /** Make a directory in the home, owned by the user. */
  directory(name: string): string;
  file(name: string, content: string | Uint8Array): string;
  /** The user's processes (real uid, or one of the subordinate ones). */
  processes(): number[];
  /** Mounts below the user's home that this process sees: a rootless tool leaves none. */
  mounts(): string[];
  close(): Promise<void>;
}

export interface BedOptions {
  /** The images that the tests use; busybox when absent. They are in the registry when `openBed` returns. */
  readonly images?: readonly ImageName[];
  /** false: a user without entries in /etc/subuid and /etc/subgid. */
  readonly ranges?: boolean;
  /** Stay who the caller is, even root. */
  readonly asCaller?: boolean;
  /** Directories instead of the usual PATH, after the tool's own. */
  readonly path?: string;
  /** Make podman work as well. */
  readonly podman?: boolean;
  /** More registries that speak plain HTTP. */
  readonly insecure?: readonly string[];
}

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export async function openBed(options: BedOptions = {}): Promise<Bed> {
  const base = inject('base');
  const registryHost = inject('registryHost');
  if (registryHost !== '') for (const name of options.images ?? ['busybox']) await pushFixture(registryHost, name);
  const home = mkdtempSync(`${base}/home-`);
  const isOwn = options.asCaller === true || process.getuid?.() !== 0;
  const user = isOwn ? callingUser() : createUser(options.ranges !== false, home);
  const env = createHome(user, home, `${base}/install/bin:${options.path ?? usualPath}`);
  configurePodman(home, [registryHost, ...(options.insecure ?? [])]);
  for (const dir of ['.config', '.config/containers']) chownSync(`${home}/${dir}`, user.uid, user.gid);
  if (process.env.CTR_E2E_TOOL === 'podman' || options.podman === true) await startPodman(user, env);
  const { startWith, sh, podman } = commandsOf(user, env, home);
  const ownedDirectory = (name: string) => {
    mkdirSync(`${home}/${name}`, { recursive: true });
    chownSync(`${home}/${name}`, user.uid, user.gid);
    return `${home}/${name}`;
  };
  return {
    user,
    home,
    env,
    dataRoot: `${home}/.local/share/ctr`,
    registryHost,
    image: (name) => referenceOf(registryHost, name),
    startWith,
    start: (...args) => startWith({}, ...args),
    ctrWith: (given, ...args) => startWith(given, ...args).ended,
    ctr: (...args) => startWith({}, ...args).ended,
    sh,
    podman,
    directory: ownedDirectory,
    file: (name, content) => {
      writeFileSync(`${home}/${name}`, content);
      chownSync(`${home}/${name}`, user.uid, user.gid);
      chmodSync(`${home}/${name}`, 0o644);
      return `${home}/${name}`;
    },
    processes: () => processesOf(user).filter((pid) => pid !== process.pid),
    mounts: () => mountsBelow(home),
    close: async () => {
      if (isOwn) await sh(`chmod -R u+rwX ${home}; unshare -r --map-auto rm -rf ${home}/.local 2>/dev/null; true`);
      else {
        killProcessesOf(user);
        removeUser(user);
      }
      removeTree(home);
    },
  };
}

function commandsOf(user: UserIdentity, env: Readonly<Record<string, string>>, home: string) {
  const complete = (given: CommandOptions): RunOptions => ({ cwd: home, ...given, env: { ...env, ...given.env } });
  const startWith = (given: CommandOptions, ...args: readonly string[]): Running =>
    startAs(user, ['ctr', ...args], complete(given));
  const sh = (command: string, given: CommandOptions = {}): Promise<Outcome> =>
    asUser(user, ['sh', '-c', command], complete(given));
  const podman = (...args: readonly string[]): Promise<Outcome> => asUser(user, ['podman', ...args], complete({}));
  return { startWith, sh, podman };
}

function mountsBelow(dir: string): string[] {
  const targets = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return targets.map((line) => line.split(' ')[1] ?? '').filter((target) => target.startsWith(`${dir}/`));
}
