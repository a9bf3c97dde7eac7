/** What `ctr run` and `ctr create` take, as values. Every other flag of theirs goes into `flags`. */
import { type FlagValue, flagsFrom } from './arguments.ts';
import type { InvokeOptions } from './invoke.ts';

export interface ContainerOptions extends InvokeOptions {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  /** `name`, `uid` or `uid:gid`. */
  readonly user?: string;
  readonly entrypoint?: string | readonly string[];
  readonly hostname?: string;
  readonly label?: Readonly<Record<string, string>>;
  /** `none`, `host`, or the name of a network. */
  readonly network?: string;
  /** `8080:80`, `127.0.0.1::80/tcp`. */
  readonly publish?: readonly string[];
  /** `./data:/data:ro`, `name:/data`. */
  readonly volume?: readonly string[];
  /** `type=bind,source=…,target=…`. */
  readonly mount?: readonly string[];
  /** `/run`, `/tmp:size=64m`. */
  readonly tmpfs?: readonly string[];
  readonly readOnly?: boolean;
  readonly privileged?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly securityOpt?: readonly string[];
  readonly init?: boolean;
  /** A size: `64m`. */
  readonly memory?: string;
  readonly cpus?: number;
  readonly pidsLimit?: number;
  /** Seconds, after which it is killed. */
  readonly timeout?: number;
  readonly pull?: 'missing' | 'always' | 'never' | 'newer';
  readonly platform?: string;
  /** Any other flag, in camel case: `{ shmSize: '1g', addHost: ['db:10.0.0.2'] }`. */
  readonly flags?: Readonly<Record<string, FlagValue>>;
}

/** The flags that `options` mean, and what is not a flag. */
export function splitContainerOptions(options: ContainerOptions): { flags: string[]; invoke: InvokeOptions } {
  const { input, signal, onOutput, cwd, environment, flags = {}, entrypoint, ...own } = options;
  const invoke = { input, signal, onOutput, cwd, environment };
  const words = typeof entrypoint === 'object' ? JSON.stringify(entrypoint) : entrypoint;
  return {
    flags: flagsFrom({ ...own, entrypoint: words, ...flags }),
    invoke: Object.fromEntries(Object.entries(invoke).filter(([, value]) => value !== undefined)),
  };
}
