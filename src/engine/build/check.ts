/** `ctr build --check`: what the documented rules find (Dockerfile reference, "Build checks"). */
import type { Host } from '../../base/host.ts';
import { formatWarnings, summaryOfWarnings } from '../../build/format-warnings.ts';
import { parseDockerfile } from '../../build/parse-dockerfile.ts';
import { planBuild } from '../../build/plan-build.ts';
import { replaceBase } from '../../build/replace-base.ts';
import { formatPlatform, hostPlatform } from '../../oci/platform.ts';
import type { BuildRequest } from './build-request.ts';
import { BuildWorker } from './build-worker-client.ts';
import { openContexts } from './contexts.ts';
import { lintPlan } from './lint-plan.ts';
import { Scratch } from './scratch.ts';
import { SshAgents } from './ssh-agents.ts';

/** The exit code: 1 when something was found. */
export async function checkBuild(
  host: Host,
  request: BuildRequest,
  out: { write(text: string): void },
): Promise<number> {
  const worker = new BuildWorker(host);
  const scratch = new Scratch(host, worker);
  const ssh = new SshAgents(host, request.ssh, scratch);
  try {
    const signal = new AbortController().signal;
    const { dockerfile: found, main } = await openContexts(request, { host, worker, scratch, ssh, signal });
    const dockerfile = replaceBase(parseDockerfile(found.text, { fileName: found.name }), request.from);
    const buildPlatform = formatPlatform(hostPlatform());
    const [platform = buildPlatform] = request.platforms;
    const { target, buildArgs, contexts } = request;
    const options = { target, buildArgs, platform, buildPlatform, contexts: Object.keys(contexts) };
    const { warnings } = lintPlan(host, planBuild(dockerfile, options), main.ignore);
    out.write(formatWarnings(dockerfile, warnings) + summaryOfWarnings(warnings));
    return warnings.length === 0 ? 0 : 1;
  } finally {
    await ssh.close();
    await scratch.remove();
    await worker.close();
  }
}
