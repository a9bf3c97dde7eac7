import { describe, expect, it } from 'vitest';
import { CtrError } from '../../../../src/base/ctr-error.ts';
import { parseRetryAfter, pauseBefore, withRetries } from '../../../../src/image/transport/retry.ts';
import { connectionError, shownUrl, TransportError } from '../../../../src/image/transport/transport-error.ts';

const broken = (retryAfterMs?: number) => new TransportError('NETWORK', 'reset', { retryable: true, retryAfterMs });

async function attempts(errors: unknown[], retries = 3) {
  const pauses: number[] = [];
  let made = 0;
  const sleep = async (ms: number) => void pauses.push(ms);
  const result = await withRetries({ retries }, { sleep, random: () => 1 }, async () => {
    made++;
    const error = errors.shift();
    if (error !== undefined) throw error;
    return 'done';
  }).catch((error: unknown) => error);
  return { result, pauses, made };
}

describe('withRetries [U]', () => {
  it('pauses longer after each failure', async () => {
    expect(await attempts([broken(), broken(), broken()])).toEqual({
      result: 'done',
      pauses: [500, 1000, 2000],
      made: 4,
    });
  });

  it('waits as long as the server asks, but not for minutes', async () => {
    expect((await attempts([broken(7000)])).pauses).toEqual([7000]);
    const last = broken(3_600_000);
    expect(await attempts([last])).toEqual({ result: last, pauses: [], made: 1 });
  });

  it('gives up after the last retry with its error', async () => {
    const last = broken();
    expect(await attempts([broken(), last], 1)).toMatchObject({ result: last, made: 2 });
  });

  it('does not repeat what cannot get better', async () => {
    const wrong = new CtrError('VERIFY', 'wrong digest');
    expect(await attempts([wrong])).toEqual({ result: wrong, pauses: [], made: 1 });
  });

  it('counts anew after progress', async () => {
    let made = 0;
    const deps = { sleep: async () => undefined, progressed: () => made < 9 };
    await expect(
      withRetries({ retries: 1 }, deps, async () => {
        made++;
        throw broken();
      }),
    ).rejects.toThrow('reset');
    expect(made).toBe(9);
  });

  it('takes --retry-delay as it is, and spreads its own pauses', () => {
    expect(pauseBefore(3, { retries: 3, delayMs: 42 }, () => 0)).toBe(42);
    expect([pauseBefore(1, { retries: 3 }, () => 0), pauseBefore(1, { retries: 3 }, () => 1)]).toEqual([250, 500]);
    expect(pauseBefore(50, { retries: 99 }, () => 1)).toBe(30_000);
  });
});

describe('parseRetryAfter [U] RFC 9110 section 10.2.3', () => {
  it('reads seconds and dates', () => {
    expect(parseRetryAfter('3', 0)).toBe(3000);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 40_000)).toBe(0);
    expect([parseRetryAfter('soon', 0), parseRetryAfter(undefined, 0)]).toEqual([undefined, undefined]);
  });
});

describe('TransportError [U]', () => {
  it('shows neither query nor user of a URL', () => {
    expect(shownUrl(new URL('https://user:pw@cdn.example/blob?X-Signature=secret#f'))).toBe('https://cdn.example/blob');
  });

  it('keeps the URL that node-fetch quotes out of text and cause', () => {
    const thrown = Object.assign(
      new Error('request to https://cdn.example/b?sig=secret failed, reason: read ECONNRESET'),
      {
        code: 'ECONNRESET',
      },
    );
    const error = connectionError('GET https://cdn.example/b', thrown);
    expect(error.message).toBe('GET https://cdn.example/b: connection reset by peer');
    expect(String(error.cause)).not.toContain('secret');
  });
});
