/** Attempts, and the pauses between them: exponential with jitter, or what the server asked for by Retry-After. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { TransportError } from './transport-error.ts';

export interface RetryPolicy {
  /** Further attempts after the first: `--retry`. */
  readonly retries: number;
  /** `--retry-delay`: the pause before every further attempt, instead of the growing one. */
  readonly delayMs?: number | undefined;
}

export interface RetryDeps {
  readonly signal?: AbortSignal | undefined;
  /** Whether the failed attempt brought something: then the count of failures begins anew. */
  readonly progressed?: () => boolean;
  /** Told before a pause. */
  readonly onRetry?: (error: TransportError, pauseMs: number) => void;
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly random?: () => number;
}

/** podman-pull(1) "--retry": three times. */
export const defaultRetryPolicy: RetryPolicy = { retries: 3 };

const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** A server that asks for more than this has no capacity for us: better to say so than to seem to hang. */
const longestRetryAfterMs = 120_000;

/** Run `attempt` until it succeeds, fails for good, or the policy is used up. */
export async function withRetries<T>(
  policy: RetryPolicy,
  deps: RetryDeps,
  attempt: (attemptNumber: number) => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt(failures);
    } catch (error) {
      if (!(error instanceof TransportError) || !error.retryable || deps.signal?.aborted) throw error;
      if (deps.progressed?.() === true) failures = 0;
      if (failures >= policy.retries) throw error;
      if ((error.retryAfterMs ?? 0) > longestRetryAfterMs) throw error;
      const pauseMs = error.retryAfterMs ?? pauseBefore(failures + 1, policy, deps.random ?? Math.random);
      deps.onRetry?.(error, pauseMs);
      await (deps.sleep ?? sleep)(pauseMs, deps.signal);
    }
  }
}

/** The pause before attempt `attemptNumber`: between half and the whole of 0.5 s, 1 s, 2 s, … 30 s. */
export function pauseBefore(attemptNumber: number, policy: RetryPolicy, random: () => number): number {
  if (policy.delayMs !== undefined) return policy.delayMs;
  const whole = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attemptNumber - 1, 16));
  return Math.round(whole * (0.5 + random() / 2));
}

/** Retry-After (RFC 9110 section 10.2.3): seconds or a date; undefined when it is neither. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleepFor(ms, undefined, signal === undefined ? {} : { signal });
}
