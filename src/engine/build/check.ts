/** `ctr build --check`: what the documented rules find (Dockerfile reference, "Build checks"). */
import type { Host } from '../../base/host.ts';
import { parseDockerfile } from '../../build/parse-dockerfile.ts';
import { planBuild } from '../../build/plan-build.ts';
import { excerpt } from '../../build/source-range.ts';
import { formatPlatform, hostPlatform } from '../../oci/platform.ts';
import type { BuildRequest } from './build-request.ts';
import { BuildWorker } from './build-worker-client.ts';
import { openContexts } from './contexts.ts';
import { Scratch } from './scratch.ts';

/** The exit code: 1 when something was found. */
export async function checkBuild(
  host: Host,
  request: BuildRequest,
  out: { write(text: string): void },
): Promise<number> {
  const worker = new BuildWorker(host);
  const scratch = new Scratch(host, worker);
  try {
    const signal = new AbortController().signal;
    const { dockerfile: found } = await openContexts(request, { host, worker, scratch, signal });
    const dockerfile = parseDockerfile(found.text, { fileName: found.name });
    const buildPlatform = formatPlatform(hostPlatform());
    const [platform = buildPlatform] = request.platforms;
    const { target, buildArgs, contexts } = request;
    const options = { target, buildArgs, platform, buildPlatform, contexts: Object.keys(contexts) };
    const { warnings } = planBuild(dockerfile, options);
    const lines = found.text.split(/\r?\n/);
    for (const { rule, description, message, source } of warnings) {
      const place = excerpt({ name: found.name, lines }, source);
      out.write(`${source.file}:${source.line}: ${rule}: ${message}\n${description}\n${place}\n`);
    }
    if (warnings.length === 0) out.write('Check complete, no warnings found.\n');
    return warnings.length === 0 ? 0 : 1;
  } finally {
    await scratch.remove();
    await worker.close();
  }
}
