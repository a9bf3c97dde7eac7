/** `ctr healthcheck run`: ask the container once, note the answer, and act when it has become unhealthy. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { CtrError } from '../base/ctr-error.ts';
import type { Host } from '../base/host.ts';
import { writeJsonFile } from '../base/json-file.ts';
import { pipe, setNonBlocking } from '../linux/descriptors.ts';
import { type ContainerHealth, type HealthLogEntry, readHealth, writeHealth } from '../storage/container-health.ts';
import { type ContainerState, readRunningState } from '../storage/container-state.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { layout } from '../storage/layout.ts';
import { recordContainerEvent } from './container-events.ts';
import { enter } from './exec-container.ts';
import { defaultsOf, type HealthPlan, healthPlanFor, type StartupPlan } from './healthcheck.ts';
import { endOfChild } from './signal-proxy.ts';
import { storedRequest } from './stored-request.ts';

export interface HealthOutcome {
  readonly isPassed: boolean;
  readonly health: ContainerHealth;
  /** It is still starting: failures do not count yet, and checks may come more often. */
  readonly isStarting: boolean;
}

export async function runHealthcheck(host: Host, container: ContainerRecord): Promise<HealthOutcome> {
  const plan = healthPlanFor(storedRequest(container).health, defaultsOf(host, container));
  if (!plan) throw new CtrError('STATE', `container ${container.name} has no health check`);
  const state = readRunningState(host, container.id);
  if (!state) throw new CtrError('STATE', `container ${container.name} is not running`);
  const before = readHealth(host, container.id) ?? { Status: 'starting', FailingStreak: 0, Log: [] };
  const { startup, logCount } = plan;
  if (startup && before.Startup) return runStartupCheck(host, container, state, { ...plan, startup }, before);
  const entry = await check(host, container, state, plan);
  const isStarting = Date.now() - Date.parse(state.startedAt) < plan.startPeriodMs;
  const health = judge(before, entry, { retries: plan.retries, isStarting, logCount });
  // It may have ended during the check: whatever was found says nothing about it then.
  keep(host, container, plan, health);
  if (health.Status !== before.Status) {
    recordContainerEvent(host, container, 'health_status', { attributes: { health_status: health.Status } });
    if (existsSync(layout.networksOf(host, container.id))) {
      const { tellHealth } = await import('./bridge-network.ts');
      await tellHealth(host, container.id, health.Status !== 'unhealthy');
    }
  }
  if (health.Status === 'unhealthy') await act(host, container, plan.onFailure);
  return { isPassed: entry.ExitCode === 0, health, isStarting: isStarting && health.Status === 'starting' };
}

/** Throws for a container that has ended meanwhile. */
function keep(host: Host, { id, name }: ContainerRecord, { logDirectory }: HealthPlan, health: ContainerHealth): void {
  if (!readRunningState(host, id)) throw new CtrError('STATE', `container ${name} has ended`);
  writeHealth(host, id, health);
  if (logDirectory !== undefined) writeJsonFile(`${logDirectory}/${id}-healthcheck.log`, health, { mode: 0o600 });
}

/** podman-run(1) "--health-startup-cmd": the container is starting until it has passed; the check itself comes then. */
async function runStartupCheck(
  host: Host,
  container: ContainerRecord,
  state: ContainerState,
  plan: HealthPlan & { readonly startup: StartupPlan },
  before: ContainerHealth,
): Promise<HealthOutcome> {
  const { startup, logCount } = plan;
  const entry = await check(host, container, state, {
    ...plan,
    command: startup.command,
    timeoutMs: startup.timeoutMs,
  });
  const { Startup: { Passes, Failures } = { Passes: 0, Failures: 0 }, ...rest } = before;
  const isPassed = entry.ExitCode === 0;
  const counts = { Passes: isPassed ? Passes + 1 : 0, Failures: isPassed ? Failures : Failures + 1 };
  const isOver = counts.Passes >= startup.successes;
  const health = { ...rest, Log: newest([...before.Log, entry], logCount), ...(isOver ? {} : { Startup: counts }) };
  keep(host, container, plan, health);
  if (startup.retries > 0 && counts.Failures >= startup.retries) await act(host, container, 'restart');
  // The check itself comes at its own interval, the first one soon.
  return { isPassed, health, isStarting: true };
}

const newest = <T>(entries: readonly T[], count: number): readonly T[] =>
  count === 0 ? entries : entries.slice(-count);

/** docs.docker.com "HEALTHCHECK": a success ends the start; failures in the start period do not count. Pure. */
export function judge(
  before: ContainerHealth,
  entry: HealthLogEntry,
  rule: { readonly retries: number; readonly isStarting: boolean; readonly logCount: number },
): ContainerHealth {
  const Log = newest([...before.Log, entry], rule.logCount);
  if (entry.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log };
  if (rule.isStarting && before.Status === 'starting') return { Status: 'starting', FailingStreak: 0, Log };
  const FailingStreak = before.FailingStreak + 1;
  return { Status: FailingStreak >= rule.retries ? 'unhealthy' : before.Status, FailingStreak, Log };
}

async function check(
  host: Host,
  container: ContainerRecord,
  state: ContainerState,
  plan: HealthPlan,
): Promise<HealthLogEntry> {
  const Start = new Date().toISOString();
  const { ExitCode, Output } = await answer(host, container, state, plan).catch((error: unknown) => ({
    // The command could not be executed: that is an answer too.
    ExitCode: error instanceof CtrError ? error.exitCode : 125,
    Output: error instanceof Error ? error.message : String(error),
  }));
  return { Start, End: new Date().toISOString(), ExitCode, Output };
}

type Answer = Pick<HealthLogEntry, 'ExitCode' | 'Output'>;

async function answer(
  host: Host,
  container: ContainerRecord,
  state: ContainerState,
  { command, timeoutMs, logBytes }: HealthPlan,
): Promise<Answer> {
  const [input, [read, write]] = [openSync('/dev/null', 'r'), pipe()];
  const request = { command, env: [], interactive: false, tty: false, detach: false } as const;
  const rest = { privileged: false, detachKeys: '', preserveFds: 0 };
  let pid: number;
  try {
    ({ pid } = await enter(host, container, state, { ...request, ...rest }, { fds: [input, write, write] }));
  } catch (error) {
    closeSync(read);
    throw error;
  } finally {
    closeSync(input);
    closeSync(write);
  }
  const output = collectOutput(read, logBytes === 0 ? Number.POSITIVE_INFINITY : logBytes);
  const code = await withTimeout(pid, timeoutMs);
  const Output = await output.end();
  if (code !== 'timeout') return { ExitCode: code, Output };
  return { ExitCode: -1, Output: `${Output}health check exceeded timeout (${timeoutMs / 1000}s)` };
}

/** 'timeout' when it had to be killed. */
async function withTimeout(pid: number, timeoutMs: number): Promise<number | 'timeout'> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    process.kill(pid, 'SIGKILL');
  }, timeoutMs);
  try {
    const code = await endOfChild(pid);
    return isLate ? 'timeout' : code;
  } finally {
    clearTimeout(timer);
  }
}

/** Everything is read, so that the command never waits; the beginning is kept. */
function collectOutput(fd: number, keptBytes: number): { end(): Promise<string> } {
  setNonBlocking(fd);
  const socket = new Socket({ fd, readable: true, writable: false });
  const chunks: Buffer[] = [];
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    if (bytes < keptBytes) chunks.push(chunk.subarray(0, keptBytes - bytes));
    bytes += chunk.length;
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once('error', () => resolve());
  });
  return {
    async end() {
      // What it has left running may hold the pipe open for ever.
      const graceMs = 200;
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, graceMs))]);
      socket.destroy();
      return Buffer.concat(chunks).toString();
    },
  };
}

async function act(host: Host, container: ContainerRecord, action: HealthPlan['onFailure']): Promise<void> {
  switch (action) {
    case 'none':
      return;
    case 'kill': {
      const { killContainer } = await import('./kill-container.ts');
      return killContainer(host, container, 'SIGKILL');
    }
    case 'stop': {
      const { stopContainer } = await import('./stop-container.ts');
      return stopContainer(host, container);
    }
    case 'restart': {
      const { stopContainer } = await import('./stop-container.ts');
      const { startExisting } = await import('./start-existing.ts');
      await stopContainer(host, container);
      return startExisting(host, container);
    }
    default:
      return action satisfies never;
  }
}
