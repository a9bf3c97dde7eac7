/** The flags of `run` and `create`, and the RunRequest that they make. */

import { resolve } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { RunRequest } from '../engine/run-request.ts';
import type { SandboxRequest } from '../engine/sandbox-request.ts';
import type { FlagSet } from './flag-set.ts';
import {
  addContainerFlags,
  addImageFlags,
  addProcessFlags,
  type ContainerOptions,
  type ImageOptions,
  type ProcessOptions,
  parseContainer,
  parseImageOptions,
  parseProcess,
} from './flags/container.ts';
import {
  addDefaultEnvFlags,
  addEnvFlags,
  type DefaultEnvOptions,
  type EnvOptions,
  parseEnv,
  parseEnvMerge,
  proxyEnv,
} from './flags/env.ts';
import type { FlagContext } from './flags/flag-files.ts';
import { addHealthFlags, type HealthOptions, parseHealth } from './flags/health.ts';
import { addIdentityFlags, type IdentityOptions, parseIdentity } from './flags/identity.ts';
import {
  type AnnotationOptions,
  addAnnotationFlags,
  addLabelFlags,
  type LabelOptions,
  parseAnnotations,
  parseLabels,
} from './flags/labels.ts';
import { addCgroupFlags, addLimitFlags, type CgroupOptions, type LimitOptions, parseLimits } from './flags/limits.ts';
import { addLoggingFlags, type LoggingOptions, parseLogging } from './flags/logging.ts';
import { addMountFlags, checkBindSources, type MountOptions, parseImageVolume, parseMounts } from './flags/mounts.ts';
import { addNamespaceFlags, type NamespaceOptions, parseNamespaces } from './flags/namespaces.ts';
import { addNetworkFlags, type NetworkOptions, parseNetworking } from './flags/network.ts';
import { addForeignFlags, checkForeignFlags } from './flags/refused.ts';
import { addResourceFlags, parseResources, type ResourceOptions } from './flags/resources.ts';
import { addSecretFlags, parseSecret, type SecretOptions } from './flags/secrets.ts';
import { addSecurityFlags, parseSecurity, type SecurityOptions } from './flags/security.ts';
import { addUsernsFlags, parseUserns, type UsernsOptions } from './flags/userns.ts';

export type CreateOptions = ProcessOptions &
  ContainerOptions &
  ImageOptions &
  EnvOptions &
  DefaultEnvOptions &
  LabelOptions &
  LoggingOptions &
  HealthOptions &
  AnnotationOptions &
  MountOptions &
  NetworkOptions &
  SecurityOptions &
  LimitOptions &
  CgroupOptions &
  NamespaceOptions &
  UsernsOptions &
  SecretOptions &
  IdentityOptions &
  ResourceOptions;

/** What only `run` takes. */
export interface RunOptions extends CreateOptions {
  readonly detach?: boolean;
  readonly sigProxy?: boolean;
}

/** Declare what `create` and `run` share. */
export function addCreateFlags(command: FlagSet): void {
  addProcessFlags(command);
  addContainerFlags(command);
  addEnvFlags(command);
  addDefaultEnvFlags(command);
  addMountFlags(command);
  addNetworkFlags(command);
  addSecurityFlags(command);
  addSecretFlags(command);
  addNamespaceFlags(command);
  addUsernsFlags(command);
  addIdentityFlags(command);
  addResourceFlags(command);
  addLimitFlags(command);
  addCgroupFlags(command);
  addLoggingFlags(command);
  addHealthFlags(command);
  addLabelFlags(command);
  addAnnotationFlags(command);
  addImageFlags(command);
  addForeignFlags(command);
}

/** Declare the flags of `run`. */
export function addRunFlags(command: FlagSet): void {
  command
    .optionsGroup('Life cycle:')
    .option('-d, --detach', 'run in the background and print the ID')
    .option('--sig-proxy', 'pass signals on to the container; on unless =false', true);
  addCreateFlags(command);
}

/** Check everything that can be checked without image and kernel; `words` are the operands: image, then command. */
export function parseRunRequest(options: RunOptions, words: readonly string[], context: FlagContext): RunRequest {
  const { cwd, env } = context;
  const [image = '', ...command] = words;
  const { notices: networkNotices, ...networking } = parseNetworking(options);
  const { notices: securityNotices, security } = parseSecurity(options, cwd);
  const mounts = parseMounts(options, cwd);
  checkBindSources(mounts);
  if (options.detach && options.attach.length > 0) {
    throw new CtrError('USAGE', '--attach and --detach exclude each other');
  }
  return {
    ...(options.rootfs ? { rootfs: parseRootfs(image, cwd) } : { image: imageNameOf(image) }),
    command,
    ...parseProcess(options),
    ...parseContainer(options, cwd),
    ...parseImageOptions(options, cwd),
    env: [...proxyEnv(options, env), ...parseEnv(options, context)],
    unsetEnv: options.unsetenv,
    unsetAllEnv: options.unsetenvAll ?? false,
    labels: parseLabels(options, context),
    annotations: parseAnnotations(options),
    detach: options.detach ?? false,
    sigProxy: options.sigProxy ?? true,
    readOnly: options.readOnly ?? false,
    readOnlyTmpfs: options.readOnlyTmpfs,
    mounts,
    volumesFrom: options.volumesFrom,
    ...parseImageVolume(options),
    ...(options.volumeDriver === undefined ? {} : { volumeDriver: options.volumeDriver }),
    ...networking,
    security,
    ...parseResources(options),
    ...parseSandbox(options, context),
    ...parseLogging(options, cwd),
    ...parseHealth(options, cwd),
    notices: [...networkNotices, ...securityNotices, ...checkForeignFlags(options)],
  };
}

function parseSandbox(options: RunOptions, { env }: FlagContext): SandboxRequest {
  const [limits, namespaces, userns] = [parseLimits(options), parseNamespaces(options), parseUserns(options, env)];
  return {
    ...(limits ? { limits } : {}),
    ...(namespaces ? { namespaces } : {}),
    ...(userns ? { userns } : {}),
    ...(options.secret.length > 0 ? { secrets: options.secret.map(parseSecret) } : {}),
    ...parseEnvMerge(options),
    ...parseIdentity(options),
  };
}

function imageNameOf(word: string): string {
  if (word === '') throw new CtrError('USAGE', 'the name of the image is empty');
  return word;
}

/** `PATH`, or `PATH:O` for changes that are kept elsewhere (podman-run(1) "Overlay Rootfs Mounts"). */
function parseRootfs(word: string, cwd: string): { path: string; overlay: boolean } {
  const overlay = word.endsWith(':O');
  const path = overlay ? word.slice(0, -2) : word;
  if (path === '') throw new CtrError('USAGE', '--rootfs wants a directory as the first argument');
  return { path: resolve(cwd, path), overlay };
}
