import { createContainer } from '../engine/create-container.ts';
import type { CommandSpec } from './command.ts';
import { addCreateFlags, type CreateOptions, parseRunRequest } from './run-flags.ts';

export const command: CommandSpec<CreateOptions> = {
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description: 'Make a container that `start` will run, and print its ID.',
  examples: ['create --name web -p 8080:80 nginx', 'start -a $(ctr create -it alpine)'],
  operands: [1, Number.POSITIVE_INFINITY],
  passThrough: true,
  declare: addCreateFlags,
  async run(context, operands, flags) {
    const { host } = context;
    const request = parseRunRequest(flags, operands, { env: host.env, cwd: process.cwd() });
    for (const notice of request.notices) host.log.warn(notice);
    const watchPull = async () => (await import('./pull-progress.ts')).openPullView(context, request.quiet);
    const { container } = await createContainer(host, request, watchPull);
    context.stdout.write(`${container.id}\n`);
    return 0;
  },
};
