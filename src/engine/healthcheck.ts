/** Which health check a container has: its flags over its image's HEALTHCHECK over Docker's defaults. */
import type { Host } from '../base/host.ts';
import type { ContainerDefaults } from '../oci/image-config.ts';
import type { ContainerRecord } from '../storage/container-store.ts';
import { readImage } from '../storage/image-store.ts';
import { readConfig } from './images.ts';
import type { HealthRequest, StartupCheck } from './run-request.ts';

export interface HealthPlan {
  readonly command: readonly string[];
  /** As Docker writes it: `CMD-SHELL` or `CMD`, then the words. */
  readonly test: readonly string[];
  /** 0: nothing checks by itself. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
  readonly onFailure: HealthRequest['onFailure'];
  /** Asked first, until it has passed. */
  readonly startup?: StartupPlan;
  /** 0: without limit. */
  readonly logCount: number;
  readonly logBytes: number;
  readonly logDirectory?: string;
}

export interface StartupPlan extends StartupCheck {
  readonly command: readonly string[];
}

/** docs.docker.com "HEALTHCHECK". */
const usual = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5_000, retries: 3 };
/** The newest results that are kept, and how much of a check's output (Docker's numbers). */
const usualLog = { logCount: 5, logBytes: 4096 };

/** Undefined when there is none, or it is switched off. */
export function healthPlanFor(request: HealthRequest, { Healthcheck }: ContainerDefaults): HealthPlan | undefined {
  const test = request.test ?? Healthcheck?.Test ?? [];
  const command = commandOf(test);
  if (request.isOff || command === undefined) return undefined;
  const time = (own: number | undefined, image: number | undefined, otherwise: number) =>
    own ?? (image ? Math.round(image / 1e6) : otherwise);
  return {
    command,
    test,
    intervalMs: time(request.intervalMs, Healthcheck?.Interval, usual.intervalMs),
    timeoutMs: time(request.timeoutMs, Healthcheck?.Timeout, usual.timeoutMs),
    startPeriodMs: time(request.startPeriodMs, Healthcheck?.StartPeriod, usual.startPeriodMs),
    startIntervalMs: time(request.startIntervalMs, Healthcheck?.StartInterval, usual.startIntervalMs),
    retries: request.retries ?? (Healthcheck?.Retries || usual.retries),
    onFailure: request.onFailure,
    ...startupPlan(request),
    logCount: request.logCount ?? usualLog.logCount,
    logBytes: request.logBytes ?? usualLog.logBytes,
    ...(request.logDirectory === undefined ? {} : { logDirectory: request.logDirectory }),
  };
}

function startupPlan({ startup }: HealthRequest): Pick<HealthPlan, 'startup'> {
  const command = startup && commandOf(startup.test);
  return command ? { startup: { ...startup, command } } : {};
}

/** `NONE` and an empty list mean: no check. */
function commandOf([kind, ...words]: readonly string[]): readonly string[] | undefined {
  if (kind === 'CMD' && words.length > 0) return words;
  if (kind === 'CMD-SHELL' && words.length > 0) return ['/bin/sh', '-c', words.join(' ')];
  return undefined;
}

/** What the image of a container says; nothing for --rootfs, and when the image is gone. */
export function defaultsOf(host: Host, { imageId }: ContainerRecord): ContainerDefaults {
  const image = imageId === undefined ? undefined : readImage(host, imageId);
  return image ? readConfig(host, image).config : {};
}
