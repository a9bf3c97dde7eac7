/** `ctr run --explain`: what a run would do, step by step, without running it. */
import type { Host } from '../base/host.ts';
import { CLONE } from '../linux/constants.ts';
import { Program } from '../linux/program.ts';
import { compileSteps } from '../ns/compile.ts';
import { receiveSteps } from '../ns/sent-program.ts';
import { describeStep, stepSource } from '../ns/steps.ts';
import type { IdMapping } from '../oci/runtime.ts';
import { createContainer } from './create-container.ts';
import type { WatchPull } from './pull.ts';
import { deleteContainer } from './remove-container.ts';
import type { RunRequest } from './run-request.ts';
import { type PlannedContainer, planStart } from './start-container.ts';

export interface ExplainedStep {
  readonly step: string;
  readonly what: string;
  /** The manual page or specification that defines it. */
  readonly source: string;
  /** System calls in program order; those of a branch that is not taken are among them. */
  readonly calls: readonly string[];
}

/** Plans a container as `run` would, and deletes it again; an image that is missing is pulled. */
export async function explainRun(host: Host, request: RunRequest, watchPull?: WatchPull): Promise<ExplainedStep[]> {
  const created = await createContainer(host, withoutCidFile(request), watchPull);
  try {
    return explain(await planStart(host, created));
  } finally {
    await deleteContainer(host, created.container.id);
  }
}

function explain({ plan, maps, network }: PlannedContainer): ExplainedStep[] {
  const names = Object.entries(CLONE).filter(([name, flag]) => name.startsWith('NEW') && plan.cloneFlags & flag);
  const program = new Program();
  const steps = plan.steps();
  program.beginStep(0);
  receiveSteps(program, 3, 0);
  compileSteps(program, steps, { goFd: 3, consoleFd: 4, mounts: new Map() }, { from: 1 });
  const calls = program.listing();
  const helper = maps.helpers ? ['execve', 'execve'] : ['write', 'write'];
  return [
    { step: 'clone', what: names.map(([name]) => name).join(' '), source: 'clone(2), namespaces(7)', calls: ['clone'] },
    {
      step: 'id-map',
      what: `uid ${mapText(maps.uid)}; gid ${mapText(maps.gid)}`,
      source: 'user_namespaces(7)',
      calls: helper,
    },
    ...(network.connect ? [{ step: 'network', what: network.mode, source: `${network.mode}(1)`, calls: [] }] : []),
    ...steps.map((step, index) => ({
      step: step.kind,
      what: describeStep(step),
      source: stepSource[step.kind],
      calls: calls.filter(({ step: of }) => of === index).map(({ call }) => call),
    })),
  ];
}

/** The file would name a container that is gone at once. */
function withoutCidFile({ cidFile: _, ...request }: RunRequest): RunRequest {
  return request;
}

const mapText = (map: readonly IdMapping[]) =>
  map.map(({ containerID, hostID, size }) => `${containerID}→${hostID}:${size}`).join(' ');
