/**
 * `RUN --mount`: what each shows, and what it adds to the step's key. What is bound is a copy without the caller's
 * times and owners, of exactly the files that the key covers. Nothing of a secret or an agent is in the key, in the
 * container's record or in a layer.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import { writeJsonFile } from '../../base/json-file.ts';
import type {
  BindMount,
  CacheMount,
  RunInstruction,
  SecretMount,
  SshMount,
  TmpfsMount,
} from '../../build/instruction.ts';
import { layout } from '../../storage/layout.ts';
import { type Lock, lockOf, lockWhenFree, tryLock } from '../../storage/lock.ts';
import type { MountRequest } from '../run-request.ts';
import type { Build, StageState } from './build-state.ts';
import { sourceFor } from './sources.ts';
import { digestOfSources } from './step-key.ts';

export interface PreparedMounts {
  readonly mounts: readonly MountRequest[];
  readonly secretEnv: readonly string[];
  readonly mountPoints: readonly string[];
  release(): Promise<void>;
}

export interface StepMounts {
  readonly identity: readonly unknown[];
  /** Called when the step runs. */
  prepare(): Promise<PreparedMounts>;
}

interface Part {
  readonly mount?: MountRequest;
  readonly secretEnv?: string;
  readonly release?: () => void;
}

interface Planned {
  readonly identity: unknown;
  prepare(): Promise<Part>;
}

export async function mountsFor(
  build: Build,
  state: StageState,
  instruction: RunInstruction,
  stageIndex: number,
): Promise<StepMounts> {
  const workdir = posix.resolve('/', state.image.config.WorkingDir ?? '/');
  const planned: Planned[] = [];
  for (const [index, mount] of instruction.mounts.entries()) {
    if (mount.type === 'bind') planned.push(await bind(build, mount, workdir, stageIndex));
    else if (mount.type === 'cache') planned.push(await cache(build, mount, workdir, stageIndex));
    else if (mount.type === 'tmpfs') planned.push(memory(mount, workdir));
    else if (mount.type === 'secret') planned.push(secret(build, mount));
    else planned.push(agent(build, mount, index));
  }
  if (instruction.command.form === 'script') {
    const { name, content } = instruction.command;
    planned.push({ identity: 'script', prepare: async () => script(build, name, content) });
  }
  return {
    identity: planned.map(({ identity }) => identity),
    prepare: async () => prepareAll(planned),
  };
}

async function prepareAll(planned: readonly Planned[]): Promise<PreparedMounts> {
  const parts: Part[] = [];
  const release = async () => {
    for (const part of parts) part.release?.();
  };
  try {
    for (const one of planned) parts.push(await one.prepare());
  } catch (error) {
    await release();
    throw error;
  }
  const mounts = parts.flatMap(({ mount }) => mount ?? []);
  return {
    mounts,
    secretEnv: parts.flatMap(({ secretEnv }) => secretEnv ?? []),
    mountPoints: mounts.map(({ target }) => target),
    release,
  };
}

const absolute = (workdir: string, target: string) => posix.resolve(workdir, target);

async function bind(build: Build, mount: BindMount, workdir: string, stageIndex: number): Promise<Planned> {
  const { tree, identity } = await sourceFor(build, stageIndex, mount.from);
  const paths = [mount.source === '' ? '/' : mount.source];
  const target = absolute(workdir, mount.target);
  const content = identity === undefined ? digestOfSources(tree, paths, []) : identity;
  return {
    identity: ['bind', target, mount.source, mount.writable, content],
    prepare: async () => {
      const directory = build.scratch.directory();
      const copied = `${directory}/content`;
      mkdirSync(copied, { mode: 0o755 });
      const isSingle = build.ownerKind === 's';
      const order = {
        kind: 'copy',
        tree,
        paths,
        destination: '/source',
        exclude: [],
        parents: false,
        isSingle,
      } as const;
      await build.worker.ask({ op: 'place', target: copied, lower: [], steps: [order], isSingle });
      await settleTimes(build, copied);
      const options = mount.writable ? [] : ['rbind'];
      return {
        mount: { type: 'bind', source: `${copied}/source`, target, readOnly: !mount.writable, options },
      };
    },
  };
}

/** What a program sees of it must not depend on when it was copied. */
async function settleTimes({ worker, beganAt, ownerKind }: Build, directory: string): Promise<void> {
  const began = beganAt.getTime() / 1000;
  const isSingle = ownerKind === 's';
  await worker.ask({ op: 'seal', directory, lower: [], mountPoints: [], newest: 0, began, isSingle });
}

/** One directory of the user's per id; the lock is the kernel's, so a killed build leaves none. */
async function cache(build: Build, mount: CacheMount, workdir: string, stageIndex: number): Promise<Planned> {
  const target = absolute(workdir, mount.target);
  const start = mount.from === undefined ? undefined : await sourceFor(build, stageIndex, mount.from);
  return {
    identity: ['cache', mount.id, target, mount.readOnly],
    prepare: async () => {
      const { name, lock } = await chooseCache(build, mount);
      const path = layout.buildMount(build.host, name);
      const data = `${path}/data`;
      try {
        const made = mkdirSync(data, { recursive: true, mode: 0o755 });
        if (made !== undefined) {
          writeJsonFile(`${path}/mount.json`, { id: mount.id, sharing: mount.sharing });
          const { uid, gid, mode } = mount;
          if (start) {
            const isSingle = build.ownerKind === 's';
            const copy = { kind: 'copy', tree: start.tree, paths: [mount.source], destination: '/' } as const;
            const steps = [{ ...copy, exclude: [], parents: false, isSingle }];
            await build.worker.ask({ op: 'place', target: data, lower: [], steps, isSingle });
          }
          const owner = build.ownerKind === 's' ? { uid: 0, gid: 0 } : { uid, gid };
          await build.worker.ask({ op: 'chown', path: data, ...owner, mode });
        }
      } catch (error) {
        lock?.release();
        throw error;
      }
      return {
        mount: { type: 'bind', source: data, target, readOnly: mount.readOnly, options: [] },
        ...(lock ? { release: () => lock.release() } : {}),
      };
    },
  };
}

async function chooseCache(
  { host, signal }: Build,
  { id, sharing }: CacheMount,
): Promise<{ name: string; lock?: Lock }> {
  if (sharing === 'locked') {
    return { name: id, lock: await lockWhenFree(lockOf(host, 'mount', id), 'exclusive', { signal }) };
  }
  if (sharing === 'shared') {
    return { name: id, lock: await lockWhenFree(lockOf(host, 'mount', id), 'shared', { signal }) };
  }
  for (let number = 0; ; number++) {
    const name = number === 0 ? id : `${id}~${number}`;
    const lock = tryLock(lockOf(host, 'mount', name));
    if (lock) return { name, lock };
  }
}

function memory(mount: TmpfsMount, workdir: string): Planned {
  const target = absolute(workdir, mount.target);
  const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
  return {
    identity: ['tmpfs', target, mount.sizeBytes, mount.readOnly],
    prepare: async () => ({
      mount: { type: 'tmpfs', target, readOnly: mount.readOnly, options: [...size, 'notmpcopyup', 'mode=1777'] },
    }),
  };
}

function secret(build: Build, mount: SecretMount): Planned {
  return {
    identity: ['secret', mount.id, mount.target, mount.env],
    prepare: async () => {
      const content = secretContent(build, mount);
      if (content === undefined) return {};
      const { target, env, uid, gid, mode } = mount;
      if (env !== undefined && target === undefined) return { secretEnv: `${env}=${content.toString()}` };
      const path = await build.scratch.secretFile();
      writeFileSync(path, content, { mode: 0o600 });
      const owner = build.ownerKind === 's' ? { uid: 0, gid: 0 } : { uid, gid };
      await build.worker.ask({ op: 'chown', path, ...owner, mode });
      const options = ['nosuid', 'nodev', 'noexec'];
      return {
        mount: { type: 'bind', source: path, target: target ?? `/run/secrets/${mount.id}`, readOnly: true, options },
        ...(env === undefined ? {} : { secretEnv: `${env}=${content.toString()}` }),
        release: () => void build.worker.ask({ op: 'remove', paths: [path] }).catch(() => {}),
      };
    },
  };
}

function secretContent({ request, host }: Build, { id, required }: SecretMount): Buffer | undefined {
  const found = request.secrets.find((one) => one.id === id);
  const value = found?.source.kind === 'env' ? host.env[found.source.name] : undefined;
  if (value !== undefined) return Buffer.from(value);
  if (found?.source.kind === 'file') return readFileSync(found.source.path);
  if (!required) return undefined;
  throw new CtrError('NOT_FOUND', `the secret ${id} was not given`, { hint: `build with --secret id=${id},src=FILE` });
}

function agent(build: Build, mount: SshMount, index: number): Planned {
  const { id, uid, gid, mode, required } = mount;
  const target = mount.target ?? `/run/buildkit/ssh_agent.${index}`;
  return {
    identity: ['ssh', id, target],
    prepare: async () => {
      const socket = await build.ssh.socketOf(id);
      if (socket === undefined) {
        if (!required) return {};
        throw new CtrError('NOT_FOUND', `the ssh agent ${id} was not given`, {
          hint: `build with --ssh ${id}, and SSH_AUTH_SOCK set, or with --ssh ${id}=KEYFILE`,
        });
      }
      const path = await build.scratch.secretFile();
      const { relayAgent } = await import('./ssh-relay.ts');
      const close = await relayAgent(path, socket);
      const owner = build.ownerKind === 's' ? { uid: 0, gid: 0 } : { uid, gid };
      await build.worker.ask({ op: 'chown', path, ...owner, mode });
      return {
        mount: { type: 'bind', source: path, target, readOnly: false, options: ['nosuid', 'nodev', 'noexec'] },
        secretEnv: `SSH_AUTH_SOCK=${target}`,
        release: () => {
          close();
          void build.worker.ask({ op: 'remove', paths: [path] }).catch(() => {});
        },
      };
    },
  };
}

/** A here-document that begins with `#!`: an executable file where nothing of the image is. */
function script({ scratch }: Build, name: string, content: string): Part {
  const path = `${scratch.directory()}/script`;
  writeFileSync(path, content, { mode: 0o755 });
  return { mount: { type: 'bind', source: path, target: `/dev/pipes/${name}`, readOnly: true, options: [] } };
}
