/** The flags of `build` (podman-build(1), docker-buildx-build(1)) and the BuildRequest that they make. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { CtrError } from '../base/ctr-error.ts';
import type { BuildRequest, BuildSecret } from '../engine/build/build-request.ts';
import { formatPlatform, parsePlatform } from '../oci/platform.ts';
import { parseAnnotation } from './build-annotation-flags.ts';
import { parseAttestations } from './build-attest-flags.ts';
import { parseCacheFrom, parseCacheTo } from './build-cache-flags.ts';
import { parseOutput } from './build-output-flags.ts';
import { checkSettledFlags, declareSettledFlags } from './build-settled-flags.ts';
import { collect } from './command.ts';
import type { FlagSet } from './flag-set.ts';
import { flagError } from './flags/flag-error.ts';
import type { FlagContext } from './flags/flag-files.ts';
import { splitKeyValue } from './flags/key-value.ts';
import { type LabelOptions, parseLabels } from './flags/labels.ts';
import { addLimitFlags, type LimitOptions, parseLimits } from './flags/limits.ts';
import { type NetworkOptions, parseNetworking } from './flags/network.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { parseResources } from './flags/resources.ts';
import { addSecurityFlags, parseSecurity, type SecurityOptions } from './flags/security.ts';
import { parseInteger } from './flags/size.ts';
import { parseSsh } from './flags/ssh.ts';

export type BuildFlags = LabelOptions &
  LimitOptions &
  SecurityOptions &
  RegistryFlags &
  Pick<NetworkOptions, 'network' | 'dns' | 'dnsSearch' | 'dnsOption' | 'addHost'> & {
    readonly file?: string;
    readonly tag: readonly string[];
    readonly manifest?: string;
    readonly target?: string;
    readonly buildArg: readonly string[];
    readonly buildArgFile: readonly string[];
    readonly buildContext: readonly string[];
    readonly annotation: readonly string[];
    readonly platform: readonly string[];
    readonly arch?: string;
    readonly os?: string;
    readonly cache: boolean;
    readonly cacheFilter: readonly string[];
    readonly secret: readonly string[];
    readonly ssh: readonly string[];
    readonly allow: readonly string[];
    readonly ulimit: readonly string[];
    readonly shmSize: string;
    readonly pull?: string | boolean;
    readonly pullAlways?: boolean;
    readonly squash?: boolean;
    readonly squashAll?: boolean;
    readonly format: string;
    readonly timestamp?: string;
    readonly sourceDateEpoch?: string;
    readonly jobs?: string;
    readonly output: readonly string[];
    readonly iidfile?: string;
    readonly metadataFile?: string;
    readonly push?: boolean;
    readonly load?: boolean;
    readonly quiet?: boolean;
    readonly progress: string;
    readonly debug?: boolean;
    readonly check?: boolean;
    readonly httpProxy: boolean;
    readonly cacheFrom: readonly string[];
    readonly cacheTo: readonly string[];
    readonly provenance?: string;
    readonly sbom?: string;
    readonly attest: readonly string[];
    readonly ignorefile?: string;
    readonly from?: string;
    readonly env: readonly string[];
    readonly unsetenv: readonly string[];
    readonly unsetlabel: readonly string[];
    readonly omitHistory?: boolean;
    readonly variant?: string;
    readonly hosts: boolean;
    readonly groupAdd: readonly string[];
    readonly device: readonly string[];
    readonly cgroupParent?: string;
    readonly call?: string;
  };

export function declareBuildFlags(command: FlagSet): void {
  command
    .optionsGroup('What is built:')
    .option('-f, --file <file>', 'the Dockerfile; - for standard input')
    .option('--target <stage>', 'build this stage and what it needs')
    .option('--build-arg <name=value>', 'the value of an ARG; without = from the environment', collect, [])
    .option('--build-arg-file <file>', 'a file of NAME=VALUE lines', collect, [])
    .option(
      '--build-context <name=place>',
      'a directory, an address, docker-image://NAME or oci-layout://DIR:TAG for --from',
      collect,
      [],
    )
    .option('--platform <os/arch/variant>', 'for which platform; several, with commas between: an index', collect, [])
    .option('--arch <arch>', 'for which architecture')
    .option('--os <os>', 'for which operating system')
    .option('--variant <variant>', 'which variant of the architecture: v7')
    .option('--from <image>', 'in the place of the image of the first FROM')
    .option('--ignorefile <file>', 'in the place of .containerignore or .dockerignore')
    .option('--pull [policy]', 'missing, always, never or newer; alone: always')
    .option('--pull-always', 'ask the registry for every base image')
    .option('--call <method>', 'build, or check: the same as --check')
    .option('--check', 'say what the rules for Dockerfiles find, and build nothing')
    .optionsGroup('What comes out:')
    .option('-t, --tag <name>', 'a name for the image', collect, [])
    .option('--manifest <list>', 'add the image, or those of all platforms, to a manifest list')
    .option('-o, --output <spec>', 'type=image|local|tar|oci|docker|registry,dest=PATH, or a directory', collect, [])
    .option('--push', 'upload the image under its names')
    .option('--load', 'accepted for Docker: images are always in the store')
    .option('--format <format>', 'oci or docker', 'oci')
    .option(
      '--annotation <key=value>',
      'of the manifest; index:KEY=VALUE, manifest[linux/arm64]:KEY=VALUE',
      collect,
      [],
    )
    .option('-l, --label <key=value>', 'a label of the image', collect, [])
    .option('--label-file <file>', 'read labels from a file, one KEY=VALUE per line', collect, [])
    .option('--env <name=value>', 'a variable of the image; RUN does not see it', collect, [])
    .option('--unsetenv <name>', 'leave a variable out of the image', collect, [])
    .option('--unsetlabel <name>', 'leave a label out of the image', collect, [])
    .option('--omit-history', 'leave the steps out of the configuration')
    .option('--squash', 'one layer for all that the build adds')
    .option('--squash-all', 'one layer for everything')
    .option('--timestamp <seconds>', 'no file is newer; "now": times as they are. Default: the base image’s date')
    .option('--source-date-epoch <seconds>', 'the same, as reproducible-builds.org calls it')
    .option('--provenance <how>', 'true, mode=min or mode=max: say in an index how the image was made')
    .option('--sbom <how>', 'true: list the packages of the image in an index')
    .option('--attest <spec>', 'type=provenance,mode=min|max or type=sbom', collect, [])
    .option('--iidfile <file>', 'write the image ID to a file')
    .option('--metadata-file <file>', 'write what was built to a file, as JSON')
    .optionsGroup('How:')
    .option('--no-cache', 'run every step')
    .option('--no-cache-filter <stage>', 'run every step of a stage', collect, [])
    .option('--cache-from <place>', 'type=registry,ref=NAME or type=local,src=DIR: steps that others ran', collect, [])
    .option('--cache-to <place>', 'type=registry|local|inline,…: keep the steps there for others', collect, [])
    .option('--jobs <number>', 'how many steps run at once')
    .option('--secret <id=name,src=file>', 'a file (src=) or variable (env=) for RUN --mount=type=secret', collect, [])
    .option(
      '--ssh <id=socket>',
      'an agent (default: SSH_AUTH_SOCK) or private keys for RUN --mount=type=ssh',
      collect,
      [],
    )
    .option('--allow <entitlement>', 'network.host or security.insecure', collect, [])
    .option('--net, --network <mode>', 'the network of RUN: default, none, host', collect, [])
    .option('--add-host <name:address>', 'a line of /etc/hosts', collect, [])
    .option('--no-hosts', 'write no /etc/hosts for RUN')
    .option('--group-add <group>', 'another group for RUN', collect, [])
    .option('--device <host[:container[:rwm]]>', 'a device of the host for RUN', collect, [])
    .option('--dns <address>', 'a name server', collect, [])
    .option('--dns-search <domain>', 'a search domain', collect, [])
    .option('--dns-opt, --dns-option <option>', 'an option of resolv.conf', collect, [])
    .option('--http-proxy', 'pass the proxy variables of the environment to RUN; on unless =false', true)
    .option('--no-http-proxy', 'do not')
    .option('--ulimit <name=soft[:hard]>', 'a resource limit', collect, [])
    .option('--shm-size <size>', 'size of /dev/shm', '64m')
    .option('-q, --quiet', 'print only the image ID')
    .option('--progress <how>', 'auto (a live tree on a terminal), plain, tty, rawjson or quiet', 'auto')
    .option('--debug', 'when a RUN fails: a shell in its file system, on this terminal');
  addSecurityFlags(command);
  addLimitFlags(command);
  command.option('--cgroup-parent <path>', 'where the control groups of RUN are made');
  command.optionsGroup('Registries:');
  declareRegistryFlags(command);
  command.optionsGroup('Accepted:');
  declareSettledFlags(command);
}

export function parseBuildRequest(flags: BuildFlags, operands: readonly string[], context: FlagContext): BuildRequest {
  checkSettledFlags(flags);
  const { cwd, env } = context;
  const { security } = parseSecurity(flags, cwd);
  const networking = parseNetworking({ ...noNetworkFlags, ...flags });
  const { ulimits, shmSizeBytes, devices } = parseResources({ ...flags, sysctl: [] });
  const limits = parseLimits(flags);
  const outputs = flags.output.map(parseOutput);
  const timestamp = timestampFrom(flags, env);
  return {
    context: operands[0] ?? '.',
    cwd,
    ...(flags.file === undefined ? {} : { file: flags.file }),
    contexts: pairs('--build-context', flags.buildContext),
    names: [...flags.tag, ...outputs.flatMap(({ names }) => names)],
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(flags.ignorefile === undefined ? {} : { ignoreFile: resolve(cwd, flags.ignorefile) }),
    env: variables(flags.env, env),
    unsetEnv: flags.unsetenv,
    unsetLabels: flags.unsetlabel,
    omitHistory: flags.omitHistory ?? false,
    ...(flags.target === undefined ? {} : { target: flags.target }),
    buildArgs: buildArgs(flags, context),
    labels: parseLabels(flags, context),
    annotations: [...flags.annotation.flatMap(parseAnnotation), ...outputs.flatMap(({ annotations }) => annotations)],
    attestations: parseAttestations(flags),
    ...(flags.manifest === undefined ? {} : { manifest: flags.manifest }),
    platforms: platformsFrom(flags),
    noCache: !flags.cache,
    noCacheFilter: flags.cacheFilter.flatMap((names) => names.split(',')),
    secrets: flags.secret.map((text) => parseSecretSource(text, context)),
    ssh: parseSsh(flags.ssh, context),
    network: networking.network,
    addHosts: networking.addHosts,
    dns: networking.dns,
    dnsSearch: networking.dnsSearch,
    dnsOptions: networking.dnsOptions,
    allow: flags.allow.flatMap((names) => names.split(',')),
    capAdd: security.capAdd,
    capDrop: security.capDrop,
    ...(security.seccomp === undefined ? {} : { seccomp: security.seccomp }),
    ulimits,
    shmSizeBytes,
    devices,
    groupAdd: flags.groupAdd,
    noHosts: !flags.hosts,
    ...(limits ? { limits } : {}),
    pull: policyFrom(flags),
    ...accessFrom(flags.authfile === undefined ? flags : { ...flags, authfile: resolve(cwd, flags.authfile) }),
    squash: flags.squashAll ? 'all' : flags.squash ? 'new' : 'no',
    format: formatFrom(flags.format),
    ...(timestamp === undefined ? {} : { timestamp }),
    jobs: flags.jobs === undefined ? availableParallelism() : parseInteger('--jobs', flags.jobs, 0, 1024) || 1024,
    outputs: outputs.map(({ output }) => output),
    ...(flags.iidfile === undefined ? {} : { iidFile: resolve(cwd, flags.iidfile) }),
    ...(flags.metadataFile === undefined ? {} : { metadataFile: resolve(cwd, flags.metadataFile) }),
    cacheFrom: flags.cacheFrom.map((text) => parseCacheFrom(text, cwd)),
    cacheTo: cacheTargets(flags, cwd),
    push: (flags.push ?? false) || outputs.some(({ push }) => push),
  };
}

const noNetworkFlags = { networkAlias: [], expose: [], publish: [], hosts: true } as const;

/** BUILDKIT_INLINE_CACHE is how `docker build` asks for an inline cache. */
function cacheTargets({ cacheTo, buildArg, squash, squashAll }: BuildFlags, cwd: string): BuildRequest['cacheTo'] {
  const isInline = buildArg.includes('BUILDKIT_INLINE_CACHE=1');
  const targets = [...cacheTo, ...(isInline ? ['type=inline'] : [])].map((text) => parseCacheTo(text, cwd));
  if ((squash || squashAll) && targets.some(({ type }) => type === 'inline')) {
    throw new CtrError('USAGE', 'an inline cache is the layers of the image: --squash leaves none of them');
  }
  return targets;
}

function pairs(flag: string, words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [key, value] = splitKeyValue(word);
      if (key === '' || value === undefined) throw flagError(flag, word, 'want NAME=VALUE');
      return [key, value];
    }),
  );
}

/** Without a value: the caller's, if there is one. */
function variables(words: readonly string[], env: FlagContext['env']): Record<string, string> {
  const given = words.map((word) => {
    const [name, value = env[name]] = splitKeyValue(word);
    if (name === '') throw flagError('--env', word, 'want NAME=VALUE');
    return [name, value] as const;
  });
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

const proxyNames = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy'];

/** Without a value: the caller's. Proxies of the environment come first, so that a given one wins. */
function buildArgs(flags: BuildFlags, { env, cwd }: FlagContext): Record<string, string> {
  const result: Record<string, string> = {};
  if (flags.httpProxy) {
    for (const name of proxyNames.flatMap((each) => [each, each.toUpperCase()])) {
      const value = env[name];
      if (value !== undefined && value !== '') result[name] = value;
    }
  }
  const epoch = env.SOURCE_DATE_EPOCH;
  if (epoch !== undefined && epoch !== '') result.SOURCE_DATE_EPOCH = epoch;
  const fromFiles = flags.buildArgFile.flatMap((file) =>
    readFileSync(resolve(cwd, file), 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  );
  for (const word of [...fromFiles, ...flags.buildArg]) {
    const [name, given] = splitKeyValue(word);
    if (name === '') throw flagError('--build-arg', word, 'want NAME=VALUE');
    const value = given ?? env[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function timestampFrom(flags: BuildFlags, env: FlagContext['env']): number | 'now' | undefined {
  if (flags.timestamp === 'now') return 'now';
  const given = flags.buildArg
    .find((word) => word.startsWith('SOURCE_DATE_EPOCH='))
    ?.slice('SOURCE_DATE_EPOCH='.length);
  const text = flags.timestamp ?? flags.sourceDateEpoch ?? given ?? (env.SOURCE_DATE_EPOCH || undefined);
  return text === undefined ? undefined : parseInteger('--timestamp', text, 0, Number.MAX_SAFE_INTEGER);
}

function platformsFrom({ platform, arch, os, variant }: BuildFlags): string[] {
  const given = platform.flatMap((names) => names.split(',')).map((name) => formatPlatform(parsePlatform(name)));
  const platforms = [...new Set(given)];
  if (platforms.length > 0 || [arch, os, variant].every((part) => part === undefined)) return platforms;
  const own = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;
  return [formatPlatform(parsePlatform([os ?? 'linux', arch ?? own, ...(variant ? [variant] : [])].join('/')))];
}

function policyFrom({ pull, pullAlways }: BuildFlags): BuildRequest['pull'] {
  if (pullAlways || pull === true || pull === 'true') return 'always';
  if (pull === undefined || pull === false || pull === 'false') return 'missing';
  const policy = (['missing', 'always', 'never', 'newer'] as const).find((each) => each === pull);
  if (policy) return policy;
  throw flagError('--pull', String(pull), 'want missing, always, never or newer');
}

function formatFrom(text: string): BuildRequest['format'] {
  if (text === 'oci') return 'oci';
  if (text === 'docker' || text === 'v2s2') return 'v2s2';
  throw flagError('--format', text, 'want oci or docker');
}

/** `id=…,src=FILE` or `id=…,env=NAME`; without either a variable called like the id, else a file. */
function parseSecretSource(text: string, { cwd, env }: FlagContext): BuildSecret {
  const words = new Map(text.split(',').map((word) => splitKeyValue(word)));
  const id = words.get('id') ?? '';
  if (id === '') throw flagError('--secret', text, 'want id=NAME,src=FILE or id=NAME,env=VARIABLE');
  const file = words.get('src') ?? words.get('source');
  const variable = words.get('env') ?? (file === undefined && env[id] !== undefined ? id : undefined);
  if (variable !== undefined && words.get('type') !== 'file') return { id, source: { kind: 'env', name: variable } };
  const path = resolve(cwd, file ?? id);
  if (!existsSync(path)) throw new CtrError('NOT_FOUND', `--secret ${text}: ${path} does not exist`);
  return { id, source: { kind: 'file', path } };
}
