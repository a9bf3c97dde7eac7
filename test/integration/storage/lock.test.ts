import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockNow, lockOf, lockWhenFree, storeLockOf, tryLock } from '../../../src/storage/lock.ts';
import { temporaryDirectory, temporaryHost } from '../../support/store.ts';

describe('lock [I] flock(2)', () => {
  it('is exclusive until it is released', () => {
    const target = lockOf(temporaryHost(), 'container', 'a');
    const held = lockNow(target);
    expect(tryLock(target)).toBeUndefined();
    held.release();
    using again = tryLock(target);
    expect(again).toBeDefined();
  });

  it('can be shared, and then keeps an exclusive one out', () => {
    const target = storeLockOf(temporaryHost());
    using one = lockNow(target, 'shared');
    using two = tryLock(target, 'shared');
    expect([one, two]).not.toContain(undefined);
    expect(tryLock(target, 'exclusive')).toBeUndefined();
  });

  it('does not stand between objects with different names', () => {
    const host = temporaryHost();
    using _a = lockNow(lockOf(host, 'container', 'a'));
    using b = tryLock(lockOf(host, 'container', 'b'));
    expect(b).toBeDefined();
  });

  it('is taken on the new file when the old one was removed with its object', async () => {
    const target = lockOf(temporaryHost(), 'container', 'a');
    const first = lockNow(target);
    const waiting = lockWhenFree(target);
    first.releaseAndRemove();
    using second = await waiting;
    expect(second).toBeDefined();
    expect(existsSync(target.path)).toBe(true);
    expect(tryLock(target)).toBeUndefined();
  });

  it('gives up waiting with a hint', async () => {
    const target = lockOf(temporaryHost(), 'container', 'a');
    using _held = lockNow(target);
    await expect(lockWhenFree(target, 'exclusive', { timeoutMs: 20 })).rejects.toMatchObject({ code: 'IN_USE' });
  });

  it('is free again when its holder is killed', async () => {
    const host = temporaryHost();
    const target = lockOf(host, 'container', 'a');
    lockNow(target).release();
    const holder = spawn('flock', ['-x', target.path, 'sh', '-c', 'echo held; exec sleep 60'], { detached: true });
    await once(holder.stdout, 'data');
    expect(tryLock(target)).toBeUndefined();
    process.kill(-(holder.pid ?? 0), 'SIGKILL');
    await once(holder, 'exit');
    using lock = await lockWhenFree(target, 'exclusive', { timeoutMs: 5000 });
    expect(lock).toBeDefined();
  });

  it('refuses a runtime root that others can write to', () => {
    const runRoot = `${temporaryDirectory()}/open`;
    mkdirSync(runRoot);
    const host = { ...temporaryHost(), runRoot };
    chmodSync(runRoot, 0o777);
    expect(() => lockNow(lockOf(host, 'container', 'a'))).toThrow(expect.objectContaining({ code: 'DENIED' }));
  });
});
