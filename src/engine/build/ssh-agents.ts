/**
 * The ssh agents of a build (`--ssh`): sockets of the user's, and for private key files an ssh-agent of the build's own,
 * which has them in memory only. It is started when the first step asks for it and ends with ctr, however ctr ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import { randomHex } from '../../base/random.ts';
import { sleep } from '../../base/sleep.ts';
import { findExecutable } from '../user-namespace.ts';
import type { SshSource } from './build-request.ts';
import { runTool } from './run-tool.ts';
import type { Scratch } from './scratch.ts';

interface Started {
  readonly socket: string;
  readonly child: ChildProcess;
}

export class SshAgents {
  readonly #host: Host;
  readonly #sources: Readonly<Record<string, SshSource>>;
  readonly #scratch: Scratch;
  readonly #started = new Map<string, Promise<Started>>();

  constructor(host: Host, sources: Readonly<Record<string, SshSource>>, scratch: Scratch) {
    this.#host = host;
    this.#sources = sources;
    this.#scratch = scratch;
  }

  /** Where the agent called `id` listens; undefined when none was given. */
  async socketOf(id: string): Promise<string | undefined> {
    const source = this.#sources[id];
    if (source === undefined) return undefined;
    if (source.kind === 'socket') return source.path;
    const running = this.#started.get(id) ?? this.#start(id, source.paths);
    this.#started.set(id, running);
    return (await running).socket;
  }

  /** For programs that ctr starts itself: git. */
  async environment(): Promise<Record<string, string>> {
    const socket = await this.socketOf('default');
    return socket === undefined ? {} : { SSH_AUTH_SOCK: socket };
  }

  async close(): Promise<void> {
    for (const running of this.#started.values()) {
      const started = await running.catch(() => undefined);
      if (started) await endOf(started.child);
    }
  }

  async #start(id: string, keys: readonly string[]): Promise<Started> {
    const agent = this.#program(id, 'ssh-agent');
    const add = this.#program(id, 'ssh-add');
    const socket = `${await this.#scratch.secrets()}/agent-${randomHex(4)}`;
    // ssh-agent(1): it ends with the command that it is given. That one ends with its input, which is ours.
    const command = ['-a', socket, '/bin/sh', '-c', 'cat >/dev/null; kill "$SSH_AGENT_PID"'];
    const child = spawn(agent, command, { env: this.#env(), stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    try {
      await listening(socket, child);
      for (const key of keys) await this.#addKey(add, socket, id, key);
    } catch (error) {
      await endOf(child);
      throw error;
    }
    return { socket, child };
  }

  #program(id: string, name: string): string {
    const found = findExecutable(this.#host, name);
    if (found !== undefined) return found;
    throw new CtrError('UNSUPPORTED', `--ssh ${id}: key files need ${name}, which is not installed`, {
      hint: 'install the package openssh-client, or give the socket of an agent',
    });
  }

  /** By standard input: ssh-add(1) refuses files that others may read, and a build context has nothing else. */
  async #addKey(program: string, socket: string, id: string, key: string): Promise<void> {
    const env = { ...this.#env(), SSH_AUTH_SOCK: socket, SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' };
    const { code, stderr } = await runTool(program, ['-q', '-'], { env, input: readFileSync(key) });
    if (code !== 0) throw new CtrError('INVALID', `--ssh ${id}: ssh-add refuses ${key}: ${stderr}`);
  }

  #env(): Record<string, string> {
    const { PATH = '/usr/bin:/bin' } = this.#host.env;
    return { PATH };
  }
}

const patienceMs = 10_000;

async function listening(socket: string, child: ChildProcess): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', () => reject(new CtrError('STATE', 'ssh-agent ended before it began')));
  });
  failed.catch(() => {});
  const ready = async () => {
    for (const end = performance.now() + patienceMs; !(await answers(socket)); await sleep(10)) {
      if (performance.now() > end) throw new CtrError('STATE', 'ssh-agent does not listen');
    }
  };
  await Promise.race([ready(), failed]);
}

async function answers(socket: string): Promise<boolean> {
  if (!statSync(socket, { throwIfNoEntry: false })?.isSocket()) return false;
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.on('connect', () => resolve(true) ?? probe.destroy()).on('error', () => resolve(false));
  });
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await ended;
}
