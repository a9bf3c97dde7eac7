import { CtrError } from '../base/ctr-error.ts';
import { pull, pullAll } from '../engine/pull.ts';
import type { PulledImage, PullPolicy, PullRequest } from '../image/pull.ts';
import { hexOf } from '../oci/digest.ts';
import { canonicalName } from '../oci/reference.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { accessFrom, declareRegistryFlags, type RegistryFlags } from './flags/registry.ts';
import { openPullView } from './pull-progress.ts';

interface PullFlags extends RegistryFlags {
  readonly allTags?: boolean;
  readonly arch?: string;
  readonly os?: string;
  readonly platform?: string;
  readonly policy: string;
  readonly quiet?: boolean;
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
      .option('--disable-content-trust', 'accepted for Docker; there is no content trust to disable')
      .option('--os <os>', 'the operating system to choose')
      .option('--platform <os/arch/variant>', 'the platform to choose')
      .option('--policy <policy>', 'always, missing, newer or never', 'always')
      .option('-q, --quiet', 'show no progress')
      .option('--variant <variant>', 'the architecture’s variant to choose');
    declareRegistryFlags(command);
  },
  async run(context, names, flags) {
    const requests = names.map((name) => requestFrom(name, flags));
    const view = openPullView(context, flags.quiet ?? false);
    try {
      for (const request of requests) {
        view.say(`Trying to pull ${request.name}...`);
        const pulled = flags.allTags
          ? await pullAll(context.host, request, view)
          : [await pull(context.host, request, view)];
        view.close();
        report(context, pulled);
      }
    } catch (error) {
      view.close();
      throw view.signal.aborted ? view.signal.reason : error;
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
    ...accessFrom(flags),
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
