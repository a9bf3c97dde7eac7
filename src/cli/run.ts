import { runContainer } from '../engine/run.ts';
import type { CommandSpec } from './command.ts';
import { addRunFlags, parseRunRequest, type RunOptions } from './run-flags.ts';

export const command: CommandSpec<RunOptions> = {
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description: 'Make a container of an image, run a command in it, and leave with its exit code.',
  examples: [
    'run --rm -it alpine',
    'run -d --name web -p 8080:80 nginx',
    'run --rm -v ./src:/src -w /src node npm test',
  ],
  operands: [1, Number.POSITIVE_INFINITY],
  passThrough: true,
  declare: addRunFlags,
  run(context, operands, flags) {
    const { host } = context;
    const request = parseRunRequest(flags, operands, { env: host.env, cwd: process.cwd() });
    for (const notice of request.notices) host.log.warn(notice);
    return runContainer(host, request, context);
  },
};
