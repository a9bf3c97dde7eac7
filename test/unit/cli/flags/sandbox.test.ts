import { describe, expect, it } from 'vitest';
import { storedRequest } from '../../../../src/engine/stored-request.ts';
import { runRequestOf } from '../../../support/run-request.ts';

const refusing = (...words: string[]) => expect(() => runRequestOf([...words, 'alpine']));

describe('limits [U] podman-run(1)', () => {
  it.each([
    [['-m', '64m'], { memory: 67_108_864 }],
    [['--memory=1g', '--memory-swap=-1'], { memory: 1_073_741_824, memorySwap: -1 }],
    [['--cpus', '0.5'], { cpuQuota: 50_000 }],
    [['-c', '512'], { cpuShares: 512 }],
    [['--pids-limit', '0'], { pids: -1 }],
    [['--device-read-bps', '/dev/sda:1mb'], { deviceLimits: [{ key: 'rbps', path: '/dev/sda', value: 1_048_576 }] }],
    [['--cgroup-conf', 'memory.high=1G', '--cgroups=split'], { mode: 'split', conf: { 'memory.high': '1G' } }],
  ])('reads %j', (words, limits) => expect(runRequestOf([...words, 'alpine']).limits).toEqual(limits));

  it('has none when nothing is said', () => expect(runRequestOf(['alpine']).limits).toBeUndefined());

  it.each([
    [['-m', '1m'], 'want 6m or more'],
    [['--memory-swap', '1g'], 'needs --memory'],
    [['-m', '1g', '--memory-swap', '512m'], 'no less than --memory'],
    [['--cpus', '1', '--cpu-quota', '5000'], 'cannot be combined'],
    [['--cpuset-cpus', '0;1'], 'want a list'],
    [['--cgroup-conf', '../x=1'], 'want FILE=VALUE'],
    [['--cgroup-parent', '../a'], 'want a slice or a path'],
  ])('refuses %j', (words, reason) => refusing(...words).toThrow(reason));
});

describe('namespaces and ids [U] podman-run(1)', () => {
  it.each([
    [['--pid', 'host'], { pid: { mode: 'host' } }],
    [['--ipc=container:web'], { ipc: { mode: 'container', container: 'web' } }],
    [['--uts=ns:/proc/1/ns/uts'], { uts: { mode: 'ns', path: '/proc/1/ns/uts' } }],
  ])('reads %j', (words, namespaces) => expect(runRequestOf([...words, 'alpine']).namespaces).toEqual(namespaces));

  it.each([
    [['--userns', 'keep-id'], { mode: 'keep-id', exact: false }],
    [['--userns', 'keep-id:uid=5,gid=6,exact'], { mode: 'keep-id', uid: 5, gid: 6, exact: true }],
    [
      ['--uidmap', '0:1:5'],
      { mode: 'map', uid: [{ container: 0, from: 1, size: 5 }], gid: [{ container: 0, from: 1, size: 5 }] },
    ],
  ])('reads %j', (words, userns) => expect(runRequestOf([...words, 'alpine']).userns).toEqual(userns));

  it('refuses a mode that nobody knows', () => {
    refusing('--pid', 'shared').toThrow('want private, host');
    refusing('--userns', 'mine').toThrow('want host, keep-id');
  });
});

describe('secrets [U] podman-run(1) --secret', () => {
  it('puts a file below /run/secrets', () => {
    expect(runRequestOf(['--secret', 'token,mode=0400,uid=7', 'alpine']).secrets).toEqual([
      { name: 'token', type: 'mount', target: '/run/secrets/token', uid: 7, gid: 0, mode: 0o400 },
    ]);
  });

  it('names a variable', () => {
    expect(runRequestOf(['--secret', 'source=token,type=env,target=TOKEN', 'alpine']).secrets?.[0]).toMatchObject({
      type: 'env',
      target: 'TOKEN',
    });
  });

  it('refuses a word that it does not know', () => refusing('--secret', 'a,b=c').toThrow('is not one of'));
});

describe('flags of others [U] docker run, podman run', () => {
  it.each([
    '--memory-swappiness=5',
    '--gpus=all',
    '--oom-kill-disable',
    '--device-cgroup-rule=a',
    '--kernel-memory=1g',
  ])('refuses %s with the reason', (flag) => refusing(flag).toThrow(/is not supported: .{10}/));

  it('tells that a harmless one has no effect', () => {
    expect(runRequestOf(['--runtime=crun', 'alpine']).notices[0]).toContain('--runtime has no effect');
  });
});

describe('stored [U]', () => {
  it('keeps every part of the sandbox when a container is started again', () => {
    const words = ['-m=64m', '--pid=host', '--userns=keep-id:exact', '--secret=a', '--tz=local', '--passwd=false'];
    const more = ['--passwd-entry=x', '--group-entry=y', '--preserve-fds=1', '--personality=LINUX32', '--pids-limit=5'];
    const request = runRequestOf([...words, ...more, 'alpine']);
    expect(storedRequest({ id: 'a'.repeat(64), request: JSON.parse(JSON.stringify(request)) })).toEqual(request);
  });
});
