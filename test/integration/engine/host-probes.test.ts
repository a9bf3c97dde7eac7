import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHost, type HostOptions } from '../../../src/base/host.ts';
import { createLog } from '../../../src/base/log.ts';
import { hostProbes, runProbes } from '../../../src/engine/host-probes.ts';
import { distribution, hostReport } from '../../../src/engine/host-report.ts';
import { chooseStorageDriver } from '../../../src/engine/storage-driver.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ctr-probes-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hostWith = (more: Partial<HostOptions> = {}, env: Record<string, string> = {}) =>
  createHost({
    root: join(folder, 'data'),
    runroot: join(folder, 'run'),
    env: { HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), PATH: process.env.PATH, ...env },
    log: createLog('error', () => {}),
    ...more,
  });
const named = (host: ReturnType<typeof hostWith>, ...names: string[]) =>
  runProbes(hostProbes(host).filter(({ name }) => names.includes(name)));

describe('host probes [I]', () => {
  it('give exactly one line of remedy whenever something is not ok', async () => {
    for (const { status, remedy, detail } of await runProbes(hostProbes(hostWith()))) {
      expect(detail).not.toMatch(/\n|^$/);
      if (status === 'ok') expect(remedy).toBeUndefined();
      else expect(remedy).toMatch(/^[^\n]+$/);
    }
  });

  it('leave nothing behind in the data root and beside the runtime root', async () => {
    await runProbes(hostProbes(hostWith()));
    expect(readdirSync(join(folder, 'data/tmp'))).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('run'))).toEqual(['run']);
  });

  it('fail when the data root is a file, and say that overlay was not tried', async () => {
    writeFileSync(join(folder, 'data'), '');
    const reports = await named(hostWith(), 'data-root', 'overlay');
    expect(reports.map(({ name, status }) => [name, status])).toEqual([
      ['overlay', 'degraded'],
      ['data-root', 'failed'],
    ]);
    expect(reports[0]?.detail).toMatch(/^not tried/);
  });

  it('name the package when a helper is not in PATH', async () => {
    const reports = await named(hostWith({}, { PATH: folder }), 'newuidmap', 'pasta');
    expect(reports.map(({ remedy }) => remedy)).toEqual([
      expect.stringContaining('uidmap'),
      expect.stringContaining('passt'),
    ]);
  });

  it('notice a runtime directory that is open to others', async () => {
    const open = join(folder, 'xdg');
    mkdirSync(open, { mode: 0o755 });
    const [report] = await named(hostWith({}, { XDG_RUNTIME_DIR: open }), 'runtime-dir');
    expect(report).toMatchObject({ status: 'degraded', remedy: `chmod 700 ${open}` });
  });
});

describe('chooseStorageDriver [I]', () => {
  it('obeys the user', () => {
    expect(chooseStorageDriver(hostWith({ storageDriver: 'vfs' })).driver).toBe('vfs');
  });

  it('gives a reason for every better driver that it did not take, and keeps the verdict', () => {
    writeFileSync(join(folder, 'data'), ''); // nothing can be tried
    expect(() => chooseStorageDriver(hostWith())).not.toThrow();
    rmSync(join(folder, 'data'));
    const first = chooseStorageDriver(hostWith());
    expect(first.reasons).toHaveLength(['overlay', 'fuse-overlayfs', 'vfs'].indexOf(first.driver));
    expect(chooseStorageDriver(hostWith())).toEqual(first);
    expect(readdirSync(join(folder, 'cache/ctr'))).toContain('storage-driver.json');
  });
});

describe('hostReport [I]', () => {
  it('has the members of podman info that scripts read', () => {
    expect(hostReport(hostWith())).toMatchObject({
      host: { arch: expect.any(String), cgroupVersion: expect.stringMatching(/^v[12]$/), os: 'linux' },
      store: { graphDriverName: expect.any(String), imageStore: { number: 0 }, containerStore: { number: 0 } },
      version: { Version: expect.any(String) },
    });
  });

  it('reads quoted and bare values of os-release', () => {
    expect(distribution('NAME="Debian"\nVERSION_ID="12"\nID=debian\n')).toEqual({
      distribution: 'debian',
      version: '12',
    });
    expect(distribution('')).toEqual({ distribution: 'unknown', version: 'unknown' });
  });
});
