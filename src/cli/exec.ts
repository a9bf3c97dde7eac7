import { readFileSync } from 'node:fs';
import { CtrError } from '../base/ctr-error.ts';
import { execInContainer } from '../engine/exec-container.ts';
import { newestContainer } from '../engine/newest-container.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import { addProcessFlags, type ProcessOptions, parseProcess } from './flags/container.ts';
import { addEnvFlags, type EnvOptions, parseEnv } from './flags/env.ts';
import { parseInteger } from './flags/size.ts';

interface ExecFlags extends ProcessOptions, EnvOptions {
  readonly detach?: boolean;
  readonly privileged?: boolean;
  readonly preserveFds: string;
  readonly latest?: boolean;
  readonly cidfile?: string;
}

export const command: CommandSpec<ExecFlags> = {
  usage: '[options] CONTAINER COMMAND [ARG...]',
  description: 'Run another command in a container that is running, and leave with its exit code.',
  examples: ['exec -it web sh', 'exec -u www-data -w /srv web ls -l', 'exec -d web touch /tmp/ready'],
  operands: [1, Number.POSITIVE_INFINITY],
  passThrough: true,
  declare(command) {
    addProcessFlags(command);
    addEnvFlags(command);
    command
      .optionsGroup('Execution:')
      .option('-d, --detach', 'leave it running in the background')
      .option('--privileged', 'all capabilities, no seccomp filter')
      .option('--preserve-fds <number>', 'also give it the descriptors 3, 4, … that you opened', '0')
      .option('-l, --latest', 'the newest container; no CONTAINER is given')
      .option('--cidfile <file>', 'read the container ID from a file; no CONTAINER is given');
  },
  run({ host }, operands, flags) {
    const chosen = chosenByFlag(flags);
    const [name = '', ...rest] = operands;
    const container = flags.latest ? newestContainer(host) : resolveContainer(host, chosen ?? name);
    const words = flags.latest || chosen !== undefined ? operands : rest;
    if (words.length === 0) throw new CtrError('USAGE', 'must provide a command to run');
    return execInContainer(host, container, {
      command: words,
      ...parseProcess(flags),
      env: parseEnv(flags, { env: host.env, cwd: process.cwd() }),
      detach: flags.detach ?? false,
      privileged: flags.privileged ?? false,
      preserveFds: parseInteger('--preserve-fds', flags.preserveFds, 0, 64),
    });
  },
};

function chosenByFlag({ cidfile, latest }: ExecFlags): string | undefined {
  if (cidfile === undefined) return undefined;
  if (latest) throw new CtrError('USAGE', '--latest and --cidfile exclude each other');
  try {
    return readFileSync(cidfile, 'utf8').trim();
  } catch (cause) {
    throw new CtrError('NOT_FOUND', `--cidfile ${cidfile}: cannot be read`, { cause });
  }
}
