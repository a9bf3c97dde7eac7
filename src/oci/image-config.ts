/** The image configuration (image-spec config.md) with Docker's additions: Healthcheck, OnBuild, Shell. */
import { CtrError } from '../base/ctr-error.ts';
import {
  array,
  boolean,
  type Check,
  integer,
  literal,
  object,
  optional,
  parseJson,
  record,
  string,
  union,
  unknown,
} from './check.ts';
import { digest } from './descriptor.ts';
import type { Digest } from './digest.ts';

export interface ImageConfig {
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly config: ContainerDefaults;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history: readonly HistoryEntry[];
  readonly docker_version?: string;
  readonly comment?: string;
}

/** The member `config`: what a container of this image gets unless the user says otherwise. */
export interface ContainerDefaults {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, unknown>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, unknown>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly ArgsEscaped?: boolean;
  readonly Healthcheck?: Healthcheck;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
  readonly StopTimeout?: number;
}

/** Docker's health check; times are nanoseconds, 0 or absent means inherited. */
export interface Healthcheck {
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** More than any real configuration; a limit on what a hostile registry can make us hold. */
export const maxConfigBytes = 16 * 1024 * 1024;

/** Old Dockers wrote a command of one word as a bare string. */
const words: Check<readonly string[]> = union((value, path) => [string(value, path)], array(string));

const healthcheck: Check<Healthcheck> = object({
  Test: optional(words),
  Interval: optional(integer),
  Timeout: optional(integer),
  StartPeriod: optional(integer),
  StartInterval: optional(integer),
  Retries: optional(integer),
});

const containerDefaults: Check<ContainerDefaults> = object({
  User: optional(string),
  ExposedPorts: optional(record(unknown)),
  Env: optional(array(string)),
  Entrypoint: optional(words),
  Cmd: optional(words),
  Volumes: optional(record(unknown)),
  WorkingDir: optional(string),
  Labels: optional(record(string)),
  StopSignal: optional(string),
  ArgsEscaped: optional(boolean),
  Healthcheck: optional(healthcheck),
  OnBuild: optional(array(string)),
  Shell: optional(words),
  StopTimeout: optional(integer),
});

const historyEntry: Check<HistoryEntry> = object({
  created: optional(string),
  created_by: optional(string),
  author: optional(string),
  comment: optional(string),
  empty_layer: optional(boolean),
});

const document = object({
  created: optional(string),
  author: optional(string),
  architecture: string,
  variant: optional(string),
  os: string,
  'os.version': optional(string),
  'os.features': optional(array(string)),
  config: optional(containerDefaults),
  rootfs: object({ type: literal('layers'), diff_ids: optional(array(digest)) }),
  history: optional(array(historyEntry)),
  docker_version: optional(string),
  comment: optional(string),
});

export function parseImageConfig(content: string | Uint8Array): ImageConfig {
  if (content.length > maxConfigBytes) throw new CtrError('INVALID', 'image config: larger than 16 MiB');
  const checked = parseJson(content, 'image config', document);
  return {
    ...checked,
    config: checked.config ?? {},
    rootfs: { type: 'layers', diff_ids: checked.rootfs.diff_ids ?? [] },
    history: checked.history ?? [],
  };
}
