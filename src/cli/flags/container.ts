/** Who the container is and how its first process runs: name, terminal, user, directory, life cycle. */

import { resolve } from 'node:path';
import { CtrError } from '../../base/ctr-error.ts';
import type { RestartPolicy, RunRequest } from '../../engine/run-request.ts';
import { signalNumber } from '../../linux/signals.ts';
import { array, parseJson, string } from '../../oci/check.ts';
import { hostPlatform, parsePlatform } from '../../oci/platform.ts';
import { collect } from '../command.ts';
import type { FlagSet } from '../flag-set.ts';
import { flagError } from './flag-error.ts';
import { namePattern } from './mount-target.ts';
import { parseInteger } from './size.ts';

/** What `run`, `create` and `exec` share. */
export interface ProcessOptions {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly workdir?: string;
  readonly user?: string;
  readonly detachKeys: string;
}

export interface ContainerOptions {
  readonly name?: string;
  readonly hostname?: string;
  readonly rm?: boolean;
  readonly rootfs?: boolean;
  readonly entrypoint?: string;
  readonly groupAdd: readonly string[];
  readonly init?: boolean;
  readonly stopSignal?: string;
  readonly stopTimeout: string;
  readonly restart: string;
  readonly timeout: string;
  readonly replace?: boolean;
  readonly requires: readonly string[];
  readonly rmi?: boolean;
  readonly umask: string;
  readonly cidfile?: string;
  readonly pidfile?: string;
}

export interface ImageOptions {
  readonly pull: string;
  readonly platform?: string;
  readonly arch?: string;
  readonly os?: string;
  readonly variant?: string;
  readonly quiet?: boolean;
  readonly tlsVerify?: boolean;
  readonly authfile?: string;
}

export function addProcessFlags(command: FlagSet): void {
  command
    .optionsGroup('Process:')
    .option('-i, --interactive', 'keep standard input open')
    .option('-t, --tty', 'give it a terminal')
    .option('-w, --workdir <directory>', 'its working directory')
    .option('-u, --user <name|uid[:group|gid]>', 'the user that it runs as')
    .option('--detach-keys <keys>', 'the keys that leave it running; "" for none', 'ctrl-p,ctrl-q');
}

export function addContainerFlags(command: FlagSet): void {
  command
    .optionsGroup('Container:')
    .option('--name <name>', 'a name for the container')
    .option('-h, --hostname <name>', 'its host name')
    .option('--rm', 'remove it when it has ended')
    .option('--rmi', 'remove its image too when it has ended and nothing else uses the image; implies --rm')
    .option('--replace', 'remove a container of the same name first')
    .option(
      '--restart <policy>',
      'what happens when it has ended: no, on-failure[:TIMES], always, unless-stopped',
      'no',
    )
    .option('--requires <container>', 'a container that is started before it', collect, [])
    .option('--rootfs', 'the first argument is a directory (:O: changes go elsewhere), not an image')
    .option('--entrypoint <command>', "run this instead of the image's entrypoint; a JSON array for several words")
    .option('--group-add <group>', 'one more group; keep-groups for those that you have here', collect, [])
    .option('--init', 'run a small init that reaps processes and forwards signals')
    .option('--stop-signal <signal>', 'how to ask it to end')
    .option('--stop-timeout <seconds>', 'how long to wait then, before it is killed', '10')
    .option('--timeout <seconds>', 'kill it after this time; 0 for never', '0')
    .option('--umask <mode>', 'its file mode mask', '0022')
    .option('--cidfile <file>', 'write the container ID to a file')
    .option('--pidfile <file>', 'write the process ID to a file');
}

export function addImageFlags(command: FlagSet): void {
  command
    .optionsGroup('Image:')
    .option('--pull <policy>', 'missing, always, never or newer', 'missing')
    .option('--platform <os/arch[/variant]>', "choose among the image's platforms")
    .option('--arch <name>', 'the architecture of --platform alone')
    .option('--os <name>', 'the system of --platform alone')
    .option('--variant <name>', 'the variant of --platform alone')
    .option('--tls-verify', 'want HTTPS and a good certificate of the registry')
    .option('--authfile <file>', "where the registry's password is kept")
    .option('-q, --quiet', 'show no progress of a pull');
}

type ProcessPart = Pick<RunRequest, 'interactive' | 'tty' | 'workdir' | 'user' | 'detachKeys'>;

export function parseProcess(options: ProcessOptions): ProcessPart {
  const { workdir, user } = options;
  if (workdir !== undefined && !workdir.startsWith('/')) {
    throw flagError('--workdir', workdir, 'want an absolute path in the container');
  }
  if (user !== undefined && !/^[^:\s]*(:[^:\s]+)?$/.test(user)) {
    throw flagError('--user', user, 'want NAME or UID, and :GROUP or :GID if you like');
  }
  return {
    interactive: options.interactive ?? false,
    tty: options.tty ?? false,
    detachKeys: checkDetachKeys(options.detachKeys),
    ...(workdir === undefined ? {} : { workdir }),
    ...(user === undefined ? {} : { user }),
  };
}

type ContainerPart = Pick<
  RunRequest,
  | ('name' | 'hostname' | 'remove' | 'entrypoint' | 'groupAdd' | 'init' | 'stopSignal' | 'stopTimeoutMs' | 'umask')
  | ('cidFile' | 'pidFile' | 'restart' | 'timeoutMs' | 'replace' | 'requires' | 'removeImage')
>;

/** The name of a container, unless it is to get one by itself. */
export function checkName(name: string | undefined): string | undefined {
  if (name === undefined || namePattern.test(name)) return name;
  throw flagError('--name', name, `names must match ${namePattern.source}`);
}

export function parseContainer(options: ContainerOptions, cwd: string): ContainerPart {
  const { name, hostname, stopSignal, cidfile, pidfile, entrypoint } = options;
  checkName(name);
  if (hostname !== undefined && !/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/.test(hostname)) {
    throw flagError('--hostname', hostname, 'want at most 64 letters, digits, dots and hyphens');
  }
  if (stopSignal !== undefined && signalNumber(stopSignal) === undefined) {
    throw flagError('--stop-signal', stopSignal, 'want a name like SIGTERM or a number');
  }
  if (!/^[0-7]{1,4}$/.test(options.umask)) throw flagError('--umask', options.umask, 'want an octal number, like 0022');
  if (options.groupAdd.includes('keep-groups') && options.groupAdd.length > 1) {
    throw flagError('--group-add', 'keep-groups', 'it cannot be combined with other groups');
  }
  return {
    ...(name === undefined ? {} : { name }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(cidfile === undefined ? {} : { cidFile: resolve(cwd, cidfile) }),
    ...(pidfile === undefined ? {} : { pidFile: resolve(cwd, pidfile) }),
    ...(entrypoint === undefined ? {} : { entrypoint: parseEntrypoint(entrypoint) }),
    ...parseLifeCycle(options),
    groupAdd: options.groupAdd,
    init: options.init ?? false,
    umask: Number.parseInt(options.umask, 8),
  };
}

function parseLifeCycle(options: ContainerOptions) {
  const remove = (options.rm || options.rmi) ?? false;
  const restart = parseRestart(options.restart);
  if (remove && restart.name !== 'no') {
    throw flagError('--restart', options.restart, 'it cannot be combined with --rm: want one of the two');
  }
  if (options.replace && options.name === undefined) {
    throw new CtrError('USAGE', '--replace wants a container of a known name: give --name as well');
  }
  return {
    remove,
    restart,
    stopTimeoutMs: parseInteger('--stop-timeout', options.stopTimeout, 0, 1_000_000_000) * 1000,
    timeoutMs: parseInteger('--timeout', options.timeout, 0, 1_000_000_000) * 1000,
    replace: options.replace ?? false,
    requires: options.requires.flatMap((names) => names.split(',')).filter((name) => name !== ''),
    removeImage: options.rmi ?? false,
  };
}

/** `no` (and Docker's empty word), `always`, `unless-stopped`, `on-failure[:TIMES]`. */
export function parseRestart(text: string): RestartPolicy {
  const [word = '', times] = text.split(':', 2);
  const name = (['no', 'on-failure', 'always', 'unless-stopped'] as const).find((each) => each === (word || 'no'));
  if (name === undefined || (times !== undefined && name !== 'on-failure')) {
    throw flagError('--restart', text, 'want no, on-failure[:TIMES], always or unless-stopped');
  }
  return { name, maxRetries: times === undefined ? 0 : parseInteger('--restart', times, 0, 1_000_000_000) };
}

type ImagePart = Pick<RunRequest, 'pull' | 'platform' | 'quiet' | 'tlsVerify' | 'authFile'>;

function platformOf({ platform, arch, os, variant }: ImageOptions): string | undefined {
  if (arch === undefined && os === undefined && variant === undefined) return platform;
  if (platform !== undefined) {
    throw new CtrError('USAGE', '--platform cannot be combined with --arch, --os and --variant: it names all three');
  }
  const { architecture } = hostPlatform();
  return `${os ?? 'linux'}/${arch ?? architecture}${variant === undefined ? '' : `/${variant}`}`;
}

export function parseImageOptions(options: ImageOptions, cwd: string): ImagePart {
  const pull = (['missing', 'always', 'never', 'newer'] as const).find((policy) => policy === options.pull);
  if (pull === undefined) throw flagError('--pull', options.pull, 'want missing, always, never or newer');
  const platform = platformOf(options);
  if (platform !== undefined) parsePlatform(platform);
  return {
    pull,
    quiet: options.quiet ?? false,
    ...(platform === undefined ? {} : { platform }),
    ...(options.tlsVerify === undefined ? {} : { tlsVerify: options.tlsVerify }),
    ...(options.authfile === undefined ? {} : { authFile: resolve(cwd, options.authfile) }),
  };
}

/** A word, or a JSON array of words; the empty string and `[]` clear the image's entrypoint. */
export function parseEntrypoint(text: string): readonly string[] {
  if (text === '') return [];
  if (!text.trimStart().startsWith('[')) return [text];
  try {
    return parseJson(text, '--entrypoint', array(string));
  } catch (error) {
    throw new CtrError('USAGE', `invalid value ${JSON.stringify(text)} for --entrypoint: want a JSON array of words`, {
      cause: error,
    });
  }
}

/** podman-run(1) "--detach-keys": one letter, or ctrl- and one of a-z @ ^ [ \ ] _, separated by commas. */
export function checkDetachKeys(keys: string): string {
  const wrong = keys === '' ? undefined : keys.split(',').find((key) => !/^(.|ctrl-[a-z@^[\\\]_])$/i.test(key));
  if (wrong !== undefined)
    throw flagError('--detach-keys', keys, 'want single letters or ctrl-LETTER, like ctrl-p,ctrl-q');
  return keys;
}
