import { CtrError } from '../base/ctr-error.ts';
import { parseDuration } from '../base/units.ts';
import { shortId } from '../engine/images.ts';
import { pull, pullAll } from '../engine/pull.ts';
import type { PullProgress } from '../image/fetch-layers.ts';
import type { PulledImage, PullPolicy, PullRequest } from '../image/pull.ts';
import { hexOf } from '../oci/digest.ts';
import { canonicalName } from '../oci/reference.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { untilInterrupted } from './interrupt.ts';
import { createProgress, type ProgressView, silentProgress } from './output/progress.ts';

interface PullFlags {
  readonly allTags?: boolean;
  readonly arch?: string;
  readonly authfile?: string;
  readonly certDir?: string;
  readonly creds?: string;
  readonly os?: string;
  readonly platform?: string;
  readonly policy: string;
  readonly quiet?: boolean;
  readonly retry?: string;
  readonly retryDelay?: string;
  readonly tlsVerify?: boolean;
  readonly variant?: string;
}

export const command: CommandSpec<PullFlags> = {
  usage: '[options] IMAGE [IMAGE...]',
  description: 'Prints the ID of every image. A name without tag or digest means the tag latest.',
  examples: [
    'pull alpine',
    'pull --platform linux/arm64 debian:trixie-slim',
    'pull -q --tls-verify=false localhost:5000/app',
  ],
  operands: [1, Number.POSITIVE_INFINITY],
  declare(command) {
    command
      .option('-a, --all-tags', 'pull every tag of the repository')
      .option('--arch <arch>', 'the architecture to choose instead of this machine’s')
      .option('--authfile <path>', 'where credentials are kept')
      .option('--cert-dir <path>', 'certificates and keys for the registry')
      .option('--creds <user:password>', 'credentials for the registry')
      .option('--disable-content-trust', 'accepted for Docker; there is no content trust to disable')
      .option('--os <os>', 'the operating system to choose')
      .option('--platform <os/arch/variant>', 'the platform to choose')
      .option('--policy <policy>', 'always, missing, newer or never', 'always')
      .option('-q, --quiet', 'show no progress')
      .option('--retry <times>', 'further attempts after a failure of the network')
      .option('--retry-delay <duration>', 'pause between attempts')
      .option('--tls-verify', 'require HTTPS and check certificates (--tls-verify=false: do not)')
      .option('--variant <variant>', 'the architecture’s variant to choose');
  },
  async run(context, names, flags) {
    const requests = names.map((name) => requestFrom(name, flags));
    const signal = untilInterrupted();
    const view = flags.quiet ? silentProgress : createProgress(context.stderr, context.host.env);
    const watch = { progress: progressInto(view), signal };
    try {
      for (const request of requests) {
        view.say(`Trying to pull ${request.name}...`);
        const pulled = flags.allTags
          ? await pullAll(context.host, request, watch)
          : [await pull(context.host, request, watch)];
        view.close();
        report(context, pulled);
      }
    } catch (error) {
      view.close();
      throw signal.aborted ? signal.reason : error;
    }
    return 0;
  },
};

function report({ stdout, compat }: Context, pulled: readonly PulledImage[]): void {
  for (const { image, reference } of pulled) {
    stdout.write(compat === 'docker' && reference ? `${canonicalName(reference)}\n` : `${hexOf(image.id)}\n`);
  }
}

/** What the flags say, checked before anything is fetched. */
function requestFrom(name: string, flags: PullFlags): PullRequest {
  return {
    name,
    policy: policyFrom(flags.policy),
    platform: platformFrom(flags),
    tlsVerify: flags.tlsVerify,
    certDir: flags.certDir,
    authFile: flags.authfile,
    creds: credentialsFrom(flags.creds),
    retry: retryFrom(flags),
  };
}

const policies: readonly PullPolicy[] = ['always', 'missing', 'newer', 'never'];

function policyFrom(text: string): PullPolicy {
  const policy = policies.find((each) => each === text);
  if (policy === undefined) throw new CtrError('USAGE', `unsupported pull policy "${text}": ${policies.join(', ')}`);
  return policy;
}

function platformFrom({ platform, os, arch, variant }: PullFlags): string | undefined {
  if (platform !== undefined && (os !== undefined || arch !== undefined)) {
    throw new CtrError('USAGE', '--platform excludes --os and --arch');
  }
  if (platform !== undefined || (os === undefined && arch === undefined && variant === undefined)) return platform;
  const own = process.arch === 'x64' ? 'amd64' : process.arch;
  return [os ?? 'linux', arch ?? own, ...(variant ? [variant] : [])].join('/');
}

function credentialsFrom(text: string | undefined): PullRequest['creds'] {
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  if (colon < 1) throw new CtrError('USAGE', '--creds wants USER:PASSWORD');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function retryFrom({ retry, retryDelay }: PullFlags): PullRequest['retry'] {
  if (retry === undefined && retryDelay === undefined) return undefined;
  const retries = Number(retry ?? 3);
  const delayMs = retryDelay === undefined ? undefined : parseDuration(retryDelay);
  if (!Number.isInteger(retries) || retries < 0)
    throw new CtrError('USAGE', `--retry ${retry} is not a number of attempts`);
  if (retryDelay !== undefined && delayMs === undefined) {
    throw new CtrError('USAGE', `--retry-delay ${retryDelay} is no duration`, { hint: 'for example 500ms, 10s or 1m' });
  }
  return { retries, delayMs };
}

function progressInto(view: ProgressView): PullProgress {
  return {
    layer: (digest, { state, bytes, totalBytes }) =>
      view.report({ id: shortId(digest), state, doneBytes: bytes, totalBytes }),
  };
}
