/** A container that lives on by itself. */
import { CtrError } from '../base/ctr-error.ts';
import { type FlagValue, flagsFrom } from './arguments.ts';
import { type InvokeOptions, invoke, invokeForText, type Outcome } from './invoke.ts';

export interface ExecOptions extends InvokeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  readonly user?: string;
  readonly privileged?: boolean;
}

/** Docker's field names, those that most programs ask for; the others are there too. */
export interface ContainerInspection {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
  readonly NetworkSettings: {
    readonly Ports: Readonly<
      Record<string, ReadonlyArray<{ readonly HostIp: string; readonly HostPort: string }> | null>
    >;
  };
  readonly [field: string]: unknown;
}

export class Container implements AsyncDisposable {
  /** ID or name. */
  readonly id: string;
  readonly #invoke: InvokeOptions;

  constructor(id: string, { environment, cwd }: InvokeOptions = {}) {
    this.id = id;
    this.#invoke = { ...(environment ? { environment } : {}), ...(cwd === undefined ? {} : { cwd }) };
  }

  /** Run a command in it; its exit code is an outcome. */
  exec(
    command: readonly string[],
    { env, workdir, user, privileged, ...invoking }: ExecOptions = {},
  ): Promise<Outcome> {
    const stdin = invoking.input === undefined ? undefined : true;
    const flags = flagsFrom({ interactive: stdin, env, workdir, user, privileged });
    return invoke(['exec', ...flags, this.id, ...command], { ...this.#invoke, ...invoking });
  }

  /** What it has written so far. */
  async logs(options: { readonly tail?: number; readonly since?: string } = {}): Promise<Outcome> {
    return invoke(['logs', ...flagsFrom({ ...options }), this.id], this.#invoke);
  }

  /** Resolves when it has ended, or is healthy or whatever `condition` says; with its exit code. */
  async wait(condition?: 'stopped' | 'running' | 'healthy' | 'unhealthy' | 'removing'): Promise<number> {
    return Number(await this.#text('wait', { condition }));
  }

  async stop(options: { readonly time?: number } = {}): Promise<void> {
    await this.#text('stop', options);
  }

  async kill(signal = 'SIGKILL'): Promise<void> {
    await this.#text('kill', { signal });
  }

  async restart(): Promise<void> {
    await this.#text('restart', {});
  }

  /** Its files too, and with `volumes` its anonymous volumes. One that runs is killed when `force`. */
  async remove(options: { readonly force?: boolean; readonly volumes?: boolean } = {}): Promise<void> {
    await this.#text('rm', options);
  }

  /** As `ctr cp`: a file or directory of the host into the container. */
  async copyIn(source: string, target: string): Promise<void> {
    await invokeForText(['cp', source, `${this.id}:${target}`], this.#invoke);
  }

  async copyOut(source: string, target: string): Promise<void> {
    await invokeForText(['cp', `${this.id}:${source}`, target], this.#invoke);
  }

  async inspect(): Promise<ContainerInspection> {
    const [found] = JSON.parse(await this.#text('inspect', { type: 'container' })) as ContainerInspection[];
    if (found) return found;
    throw new CtrError('NOT_FOUND', `no container ${this.id}`);
  }

  /** Address and port of the host that `port` (`80`, `53/udp`) is published on. */
  async port(port: number | string): Promise<{ readonly host: string; readonly port: number }> {
    const text = await invokeForText(['port', this.id, String(port)], this.#invoke);
    const [, host = '', number = ''] = /^(.*):(\d+)$/m.exec(text) ?? [];
    return { host, port: Number(number) };
  }

  /** `await using`: the container is gone when the block is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#text('rm', { force: true, ignore: true, time: 0, volumes: true });
  }

  #text(verb: string, flags: Readonly<Record<string, FlagValue>>): Promise<string> {
    return invokeForText([verb, ...flagsFrom(flags), this.id], this.#invoke);
  }
}
