/**
 * Image configuration and request become an OCI runtime configuration (image-spec conversion.md): pure, one place.
 *
 * Mustn't: read a file or ask the kernel; all that it needs to know about the host comes in as facts.
 */
import { posix } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import type { RuntimeConfig, RuntimeLinux, RuntimeProcess } from '../oci/runtime.ts';
import type { RunRequest, UlimitRequest } from './run-request.ts';
import { capabilitiesFor } from './runtime-spec/capabilities.ts';
import { defaultMounts, etcMounts } from './runtime-spec/default-mounts.ts';
import { environmentFor } from './runtime-spec/environment.ts';
import type { RuntimeSpecInput } from './runtime-spec/facts.ts';
import { hiddenPaths } from './runtime-spec/masked-paths.ts';
import { sysctlsFor } from './runtime-spec/sysctls.ts';
import { parentsFirst, readOnlyTmpfs, requestedMounts, runtimeMount } from './runtime-spec/user-mounts.ts';
import { type ContainerUser, lookUpUser } from './user-lookup.ts';

export function runtimeSpecFor(input: RuntimeSpecInput): RuntimeConfig {
  const { request, defaults, facts } = input;
  const user = lookUpUser(userSpec(input), input.userFiles, request.groupAdd);
  const hostname = hostnameFor(input);
  const wanted = requestedMounts(request, defaults);
  const added = [
    ...etcMounts(input),
    ...readOnlyTmpfs(request, wanted),
    ...wanted.map((mount) => runtimeMount(mount, facts, user)),
    ...secretMounts(input),
    ...zoneMount(input),
  ];
  const config: RuntimeConfig = {
    ociVersion: '1.2.0',
    ...((request.namespaces?.uts?.mode ?? 'private') === 'private' ? { hostname, ...domainOf(request) } : {}),
    root: { path: facts.rootPath, readonly: request.readOnly },
    process: processFor(input, user, hostname),
    mounts: [...defaultMounts(input), ...parentsFirst(added)],
    linux: linuxFor(input),
    annotations: annotationsFor(request),
  };
  refuseNul(config.process.args, 'the command');
  refuseNul(config.process.env, 'the environment');
  refuseNul([config.process.cwd, hostname, ...config.mounts.flatMap((one) => [one.destination, one.source])], 'a path');
  return config;
}

const domainOf = ({ domainname }: RunRequest) => (domainname === undefined ? {} : { domainname });

/**
 * Docker's rules: a command replaces the image's Cmd, an entrypoint replaces both; a cleared entrypoint (`[]`) keeps
 * Cmd, as in Podman.
 */
export function commandFor(request: RunRequest, defaults: ContainerDefaults): readonly string[] {
  const entrypoint = request.entrypoint ?? defaults.Entrypoint ?? [];
  const replaced = request.entrypoint !== undefined && request.entrypoint.length > 0;
  const command = request.command.length > 0 || replaced ? request.command : (defaults.Cmd ?? []);
  const args = [...entrypoint, ...command];
  if (args.length === 0) {
    throw new CtrError('USAGE', 'no command specified: the image names none', {
      hint: 'write the command after the image name',
    });
  }
  return args;
}

/** The host's name with the host's network, as in Docker and Podman: programs look their own name up. */
export function hostnameFor({
  request,
  id,
  facts,
}: Pick<RuntimeSpecInput, 'request' | 'id'> & { readonly facts: { readonly hostHostname: string } }): string {
  const uts = request.namespaces?.uts?.mode ?? 'private';
  if (uts !== 'private' && request.hostname !== undefined) {
    throw new CtrError('USAGE', `--hostname cannot be combined with --uts ${uts}: the name belongs to others`);
  }
  const isHost = request.network.mode === 'host' || uts === 'host';
  return request.hostname ?? (isHost ? facts.hostHostname : id.slice(0, 12));
}

function processFor(input: RuntimeSpecInput, user: ContainerUser, hostname: string): RuntimeProcess {
  const { request, defaults, facts } = input;
  const command = commandFor(request, defaults);
  return {
    terminal: request.tty,
    ...(request.tty && facts.consoleSize ? { consoleSize: facts.consoleSize } : {}),
    args: command,
    env: environmentFor(input, user, hostname),
    cwd: posix.resolve('/', request.workdir ?? defaults.WorkingDir ?? '/'),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids, umask: request.umask },
    capabilities: capabilitiesFor(request.security, user.uid, facts.capabilities),
    rlimits: rlimitsFor(request.ulimits),
    noNewPrivileges: request.security.noNewPrivileges,
    ...(request.oomScoreAdj === undefined ? {} : { oomScoreAdj: request.oomScoreAdj }),
  };
}

function rlimitsFor(ulimits: readonly UlimitRequest[]): RuntimeProcess['rlimits'] {
  const byType = new Map(
    ulimits
      .filter(({ name }) => name !== 'host')
      .map(({ name, soft, hard }) => [name, { type: `RLIMIT_${name.toUpperCase()}`, soft, hard }]),
  );
  return [...byType.values()];
}

function linuxFor(input: RuntimeSpecInput): RuntimeLinux {
  const { request, facts } = input;
  return {
    namespaces: namespacesFor(input),
    uidMappings: facts.uidMappings,
    gidMappings: facts.gidMappings,
    ...hiddenPaths(request),
    devices: devicesFor(input),
    sysctl: sysctlsFor(request, facts.gidMappings),
    rootfsPropagation: 'private',
  };
}

function namespacesFor({ request, facts }: RuntimeSpecInput): RuntimeLinux['namespaces'] {
  const { user, pid, ipc, uts, cgroup, network } = facts.namespacePaths ?? {};
  const paths = { user, mount: undefined, pid, ipc, uts, cgroup, network };
  const modes = { ...request.namespaces, network: request.network } as const;
  return (['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup', 'network'] as const).flatMap((type) => {
    if (type !== 'user' && type !== 'mount' && modes[type]?.mode === 'host') return [];
    const path = paths[type];
    return [path === undefined ? { type } : { type, path }];
  });
}

/** Device nodes are bound from the host: a user namespace may not make any (mknod(2)). */
function devicesFor({ request, facts }: RuntimeSpecInput): RuntimeLinux['devices'] {
  if (request.mounts.some(({ target }) => target === '/dev')) return [];
  const always = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);
  const paths = [...always, ...(request.security.privileged ? facts.hostDevices : [])];
  const devices = new Map(paths.map((path) => [path, { path, hostPath: path }]));
  for (const { hostPath, containerPath } of request.devices) {
    devices.set(containerPath, { path: containerPath, hostPath });
  }
  return [...devices.values()];
}

function secretMounts({ facts }: RuntimeSpecInput): RuntimeConfig['mounts'] {
  return (facts.secretFiles ?? []).map(({ source, target }) => {
    return {
      destination: target,
      type: 'bind',
      source,
      options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev', 'noexec'],
    };
  });
}

/** --tz: programs without $TZ read /etc/localtime. */
function zoneMount({ request, facts }: RuntimeSpecInput): RuntimeConfig['mounts'] {
  const destination = '/etc/localtime';
  if (facts.zoneFile === undefined || request.mounts.some(({ target }) => target === destination)) return [];
  return [{ destination, type: 'bind', source: facts.zoneFile, options: ['bind', 'rprivate', 'ro'] }];
}

/** --user wins; then the user of --userns=keep-id, as in Podman; then the image's. */
export function userSpec({
  request,
  defaults,
  facts,
}: Pick<RuntimeSpecInput, 'request' | 'defaults' | 'facts'>): string {
  const { keptUser } = facts;
  return request.user ?? (keptUser ? `${keptUser.uid}:${keptUser.gid}` : (defaults.User ?? ''));
}

/** crun's annotation for "the supplementary groups of the caller stay", which no member of the spec says. */
function annotationsFor({ annotations, groupAdd }: RunRequest): Record<string, string> {
  const keepGroups = groupAdd.includes('keep-groups') ? { 'run.oci.keep_original_groups': '1' } : {};
  return { ...annotations, ...keepGroups };
}

/** A NUL would end a C string early: what was checked and what the kernel sees would differ. */
function refuseNul(words: readonly string[], what: string): void {
  if (words.some((word) => word.includes('\0'))) throw new CtrError('INVALID', `${what} contains a NUL byte`);
}
