import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { readStatus, statusText } from '../../../src/engine/container-status.ts';
import { identifyProcess } from '../../../src/linux/process-identity.ts';
import { updateLife } from '../../../src/storage/container-life.ts';
import { writeState } from '../../../src/storage/container-state.ts';
import { layout } from '../../../src/storage/layout.ts';
import { type TestHost, temporaryHost } from '../../support/store.ts';

const id = 'c'.repeat(64);
const startedAt = '2024-05-01T12:00:00.000Z';
let host: TestHost;
beforeEach(() => {
  host = temporaryHost();
  mkdirSync(layout.container(host, id), { recursive: true });
});

const alive = () => identifyProcess(process.pid) ?? { bootId: '', pid: 0, startTime: 0 };
const dead = () => ({ ...alive(), startTime: 1 });
const writeExit = (waitStatus: number, seconds: number) => {
  const record = Buffer.alloc(24);
  record.writeInt32LE(waitStatus, 0);
  record.writeBigInt64LE(BigInt(seconds), 8);
  record.writeBigInt64LE(5n, 16);
  writeFileSync(layout.containerExit(host, id), record);
};

describe('readStatus [I]', () => {
  it('is created before the first start', () => {
    expect(readStatus(host, id)).toMatchObject({ name: 'created', pid: 0, exitCode: 0, isLost: false });
  });

  it('is running while its first process lives', () => {
    writeState(host, id, { init: alive(), supervisor: alive(), startedAt });
    expect(readStatus(host, id)).toMatchObject({ name: 'running', pid: process.pid, startedAt, isUnsupervised: false });
  });

  it('is running, and unsupervised, when its supervisor was killed', () => {
    writeState(host, id, { init: alive(), supervisor: dead(), startedAt });
    expect(readStatus(host, id)).toMatchObject({ name: 'running', isUnsupervised: true });
  });

  it('is stopping when the user asked it to end', () => {
    writeState(host, id, { init: alive(), supervisor: alive(), startedAt });
    updateLife(host, id, { isStopped: true });
    expect(readStatus(host, id)).toMatchObject({ name: 'stopping', pid: process.pid });
  });

  it('is paused when its cgroup is frozen', () => {
    const cgroupPath = layout.container(host, id);
    writeFileSync(`${cgroupPath}/cgroup.freeze`, '1\n');
    writeState(host, id, { init: alive(), startedAt, cgroupPath });
    expect(readStatus(host, id)).toMatchObject({ name: 'paused', cgroupPath });
  });

  it('has the exit code and time that the supervisor wrote', () => {
    updateLife(host, id, { startedAt });
    writeExit(3 << 8, 1_714_564_800);
    expect(readStatus(host, id)).toMatchObject({
      ...{ name: 'exited', exitCode: 3, finishedAt: '2024-05-01T12:00:00.000000005Z', isLost: false },
    });
    writeExit(9, 1_714_564_800);
    expect(readStatus(host, id)).toMatchObject({ exitCode: 137 });
  });

  it('is not over while the supervisor collects the last output', () => {
    writeState(host, id, { init: dead(), supervisor: alive(), startedAt });
    expect(readStatus(host, id)).toMatchObject({ name: 'stopping', isLost: false });
  });

  it('says that nobody saw the end when the supervisor was killed, or the machine', () => {
    writeState(host, id, { init: dead(), supervisor: dead(), startedAt });
    expect(readStatus(host, id)).toMatchObject({ name: 'exited', exitCode: 137, isLost: true });
    rmSync(host.runRoot, { recursive: true });
    updateLife(host, id, { startedAt });
    expect(readStatus(host, id)).toMatchObject({ name: 'exited', exitCode: 137, isLost: true });
  });
});

describe('statusText [I]', () => {
  const at = (seconds: number) => new Date(Date.parse(startedAt) + seconds * 1000);
  const base = { pid: 0, exitCode: 0, restarts: 0, oomKilled: false, isLost: false, isUnsupervised: false };

  it('speaks as Docker and Podman do', () => {
    expect(statusText({ ...base, name: 'created' }, at(0))).toBe('Created');
    expect(statusText({ ...base, name: 'running', startedAt }, at(3))).toBe('Up 3 seconds');
    expect(statusText({ ...base, name: 'exited', exitCode: 2, finishedAt: startedAt }, at(300))).toBe(
      'Exited (2) 5 minutes ago',
    );
    expect(statusText({ ...base, name: 'paused', startedAt }, at(3))).toBe('Paused');
    expect(statusText({ ...base, name: 'paused', startedAt }, at(3), 'docker')).toBe('Up 3 seconds (Paused)');
  });
});
