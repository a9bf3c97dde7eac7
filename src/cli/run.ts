import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import type { ExplainedStep } from '../engine/explain.ts';
import type { WatchPull } from '../engine/pull.ts';
import { runContainer } from '../engine/run.ts';
import type { RunRequest } from '../engine/run-request.ts';
import type { CommandSpec } from './command.ts';
import type { Context } from './context.ts';
import { addRunFlags, parseRunRequest, type RunOptions } from './run-flags.ts';

export const command: CommandSpec<RunOptions & { readonly explain?: true | string }> = {
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description: 'Make a container of an image, run a command in it, and leave with its exit code.',
  examples: [
    'run --rm -it alpine',
    'run -d --name web -p 8080:80 nginx',
    'run --rm -v ./src:/src -w /src node npm test',
  ],
  operands: [1, Number.POSITIVE_INFINITY],
  passThrough: true,
  declare(command) {
    addRunFlags(command);
    command.option('--explain [format]', 'print the steps of the start, run nothing; =json for programs');
  },
  async run(context, operands, flags) {
    const { host } = context;
    const given = parseRunRequest(flags, operands, { env: host.env, cwd: process.cwd() });
    const request = withNotifySocket(withListeners(given, host.env), host.env);
    for (const notice of request.notices) host.log.warn(notice);
    const watchPull = async () => (await import('./pull-progress.ts')).openPullView(context, request.quiet);
    if (flags.explain) return printExplanation(context, flags.explain, await explain(host, request, watchPull));
    return runContainer(host, request, { ...context, watchPull });
  },
};

/** sd_listen_fds(3): sockets that systemd opened for this process are the container's, from descriptor 3 on. */
function withListeners(request: RunRequest, env: Host['env']): RunRequest {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env;
  if (LISTEN_PID !== String(process.pid) || !/^[1-9]\d?$/.test(LISTEN_FDS ?? '')) return request;
  const names = LISTEN_FDNAMES === undefined ? [] : [`LISTEN_FDNAMES=${LISTEN_FDNAMES}`];
  const passed = [`LISTEN_FDS=${LISTEN_FDS}`, 'LISTEN_PID=1', ...names];
  return {
    ...request,
    preserveFds: Math.max(Number(LISTEN_FDS), request.preserveFds ?? 0),
    env: [...passed, ...request.env],
  };
}

/** sd_notify(3): with --sdnotify=container, Podman's default, the program inside says itself when it is ready. */
function withNotifySocket(request: RunRequest, { NOTIFY_SOCKET: source }: Host['env']): RunRequest {
  if (!source?.startsWith('/') || (request.sdNotify ?? 'container') !== 'container') return request;
  const target = '/run/notify/notify.sock';
  const mount = { type: 'bind', source, target, readOnly: false, options: [] } as const;
  return { ...request, mounts: [...request.mounts, mount], env: [`NOTIFY_SOCKET=${target}`, ...request.env] };
}

async function explain(host: Host, request: RunRequest, watchPull: WatchPull): Promise<ExplainedStep[]> {
  const { explainRun } = await import('../engine/explain.ts');
  return explainRun(host, request, watchPull);
}

async function printExplanation({ stdout }: Context, format: true | string, steps: ExplainedStep[]): Promise<number> {
  if (format === 'json') {
    stdout.write(`${JSON.stringify(steps, null, 2)}\n`);
    return 0;
  }
  if (format !== true) throw new CtrError('USAGE', `--explain=${format}: the only other format is json`);
  const { alignTable } = await import('./output/table.ts');
  const lines = steps.map(
    ({ step, what, source }, index) => `${String(index + 1).padStart(3)}\t${step}\t${what}\t${source}`,
  );
  stdout.write(`${alignTable(lines, { minWidth: 0, padding: 2 }).join('\n')}\n`);
  return 0;
}
