import { CtrError } from '../base/ctr-error.ts';
import { attachContainer } from '../engine/attach-container.ts';
import { newestContainer } from '../engine/newest-container.ts';
import { resolveContainer } from '../storage/container-store.ts';
import type { CommandSpec } from './command.ts';
import { checkDetachKeys } from './flags/container.ts';

interface AttachFlags {
  readonly stdin: boolean;
  readonly sigProxy: boolean;
  readonly detachKeys?: string;
  readonly latest?: boolean;
}

export const command: CommandSpec<AttachFlags> = {
  usage: '[options] CONTAINER',
  description: 'Show what a running container writes from now on, pass input and signals on, leave with its exit code.',
  examples: ['attach web', 'attach --no-stdin --sig-proxy=false web', 'attach --detach-keys ctrl-a,d shell'],
  operands: [0, 1],
  declare(command) {
    command
      .option('--no-stdin', 'pass no input on')
      .option('--sig-proxy', 'pass signals on to the container; on unless =false', true)
      .option('--detach-keys <keys>', 'the keys that leave it running; "" for none')
      .option('-l, --latest', 'the newest container; no CONTAINER is given');
  },
  run({ host }, [name], { stdin, sigProxy, detachKeys, latest }) {
    if ((name === undefined) !== (latest === true)) throw new CtrError('USAGE', 'give one container, or --latest');
    const container = name === undefined ? newestContainer(host) : resolveContainer(host, name);
    return attachContainer(host, container, {
      input: stdin,
      sigProxy,
      ...(detachKeys === undefined ? {} : { detachKeys: checkDetachKeys(detachKeys) }),
    });
  },
};
