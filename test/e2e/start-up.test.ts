/** The loader's code cache (src/start.ts): it may be missing, broken or impossible to write. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const launcher = join(import.meta.dirname, '../../bin/ctr');
let home = '';

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ctr-start-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const run = (cache = home) => {
  const { stdout, stderr, status } = spawnSync(launcher, ['version', '--format', '{{.Client.Name}}'], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });
  return { stdout, stderr, status };
};
const fine = { stdout: 'ctr\n', stderr: '', status: 0 };
const cacheFiles = () =>
  readdirSync(home, { recursive: true, encoding: 'utf8' })
    .map((name) => join(home, name))
    .filter((path) => statSync(path).isFile());

describe('the code cache [E]', () => {
  it('is written by the first run of a command and used by the next', () => {
    expect(run()).toEqual(fine);
    const before = cacheFiles().map((path) => [path, statSync(path).mtimeMs]);
    expect(before).toHaveLength(1);
    expect(run()).toEqual(fine);
    expect(cacheFiles().map((path) => [path, statSync(path).mtimeMs])).toEqual(before);
  });

  it.each([
    ['empty', (path: string) => truncateSync(path, 0)],
    ['cut off', (path: string) => truncateSync(path, 1000)],
    ['something else', (path: string) => writeFileSync(path, 'x'.repeat(5000))],
  ])('is replaced when it is %s', (_what, spoil) => {
    run();
    const [path = ''] = cacheFiles();
    const { size } = statSync(path);
    spoil(path);
    expect(run()).toEqual(fine);
    expect(statSync(path).size).toBeGreaterThan(size / 2);
  });

  it.each(['/proc/nowhere', '/dev/null', 'relative'])('is done without where it cannot be written: %s', (cache) => {
    expect(run(cache)).toEqual(fine);
  });

  it('is not read when others may write it', () => {
    run();
    const [path = ''] = cacheFiles();
    chmodSync(path, 0o666);
    expect(run()).toEqual(fine);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
