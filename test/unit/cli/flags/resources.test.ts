import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDevices, parseDevice } from '../../../../src/cli/flags/devices.ts';
import { parseResources, parseUlimit } from '../../../../src/cli/flags/resources.ts';
import { parseSize } from '../../../../src/cli/flags/size.ts';

describe('parseSize [U] podman-run(1) "number[unit]"', () => {
  it.each([
    ['64m', 64 * 1024 ** 2],
    ['64M', 64 * 1024 ** 2],
    ['1g', 1024 ** 3],
    ['1.5k', 1536],
    ['2KiB', 2048],
    ['10kb', 10_240],
    ['7b', 7],
    ['0', 0],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize('--shm-size', text)).toBe(bytes);
  });

  it.each(['', 'm', '-1', '1x', '64 mm', '1e3', '9999999p', '1,5m'])('refuses %j', (text) => {
    expect(() => parseSize('--shm-size', text)).toThrow('for --shm-size: want a number and a unit');
  });

  it('multiplies by powers of 1024', () => {
    fc.assert(
      fc.property(fc.nat(4096), fc.constantFrom('', 'b', 'k', 'm', 'g', 't'), (number, unit) => {
        expect(parseSize('-m', `${number}${unit}`)).toBe(
          number * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.replace('b', '')),
        );
      }),
    );
  });
});

describe('parseUlimit [U] podman-run(1) "--ulimit", setrlimit(2)', () => {
  it.each([
    ['nofile=1024:2048', { name: 'nofile', soft: 1024, hard: 2048 }],
    ['nproc=5', { name: 'nproc', soft: 5, hard: 5 }],
    ['RLIMIT_CORE=-1', { name: 'core', soft: -1, hard: -1 }],
    ['stack=1:-1', { name: 'stack', soft: 1, hard: -1 }],
    ['host', { name: 'host', soft: -1, hard: -1 }],
  ])('reads %s', (text, limit) => {
    expect(parseUlimit(text)).toEqual(limit);
  });

  it.each([
    ['nofile', 'want NAME=SOFT[:HARD]'],
    ['nofile=', 'want NAME=SOFT[:HARD]'],
    ['files=1', 'want one of as, core'],
    ['nofile=2:1', 'must not be above'],
    ['nofile=-1:1', 'must not be above'],
    ['nofile=99999999999999999999', 'too large'],
  ])('refuses %s, saying %s', (text, why) => {
    expect(() => parseUlimit(text)).toThrow(why);
  });

  it('accepts exactly the pairs that setrlimit(2) accepts', () => {
    const limit = fc.integer({ min: -1, max: 100 });
    const height = (value: number) => (value === -1 ? Number.POSITIVE_INFINITY : value);
    fc.assert(
      fc.property(limit, limit, (soft, hard) => {
        const read = () => parseUlimit(`nofile=${soft}:${hard}`);
        if (height(soft) <= height(hard)) expect(read()).toEqual({ name: 'nofile', soft, hard });
        else expect(read).toThrow();
      }),
    );
  });
});

describe('parseDevice [U] podman-run(1) "--device"', () => {
  it.each([
    ['/dev/fuse', '/dev/fuse', '/dev/fuse', 'rwm'],
    ['/dev/a:/dev/b', '/dev/a', '/dev/b', 'rwm'],
    ['/dev/a:r', '/dev/a', '/dev/a', 'r'],
    ['/dev/a:/dev/b:rw', '/dev/a', '/dev/b', 'rw'],
  ])('reads %s', (text, hostPath, containerPath, permissions) => {
    expect(parseDevice(text)).toEqual({ hostPath, containerPath, permissions });
  });

  it.each(['', 'fuse', '/dev/a:b', '/dev/a:/dev/b:x', '/dev/a:r:rw', '/dev/a:/dev/b:r:w'])('refuses %j', (text) => {
    expect(() => parseDevice(text)).toThrow('for --device');
  });
});

describe('--sysctl [U]', () => {
  const sysctls = (...words: string[]) =>
    parseResources({ ulimit: [], shmSize: '64m', device: [], sysctl: words }).sysctls;

  it('takes slashes for dots, as sysctl(8) does', () => {
    expect(sysctls('net/ipv4/ip_forward=1', 'net.core.somaxconn=4')).toEqual({
      'net.ipv4.ip_forward': '1',
      'net.core.somaxconn': '4',
    });
  });

  it.each(['net.ipv4.ip_forward', '=1', 'a=1', 'net..x=1', '../../etc/x=1'])('refuses %s', (word) => {
    expect(() => sysctls(word)).toThrow('want NAME=VALUE');
  });
});

describe('findDevices [U] podman-run(1) "--device"', () => {
  const device = (hostPath: string) => ({ hostPath, containerPath: '/dev/x', permissions: 'rwm' });

  it('resolves a symbolic link to the node', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctr-device-'));
    symlinkSync('/dev/null', join(directory, 'link'));
    expect(findDevices(device(join(directory, 'link')))).toEqual([device('/dev/null')]);
    rmSync(directory, { recursive: true });
  });

  it('takes a directory for all nodes below it', () => {
    expect(findDevices(device('/dev')).map(({ containerPath }) => containerPath)).toContain('/dev/x/null');
  });

  it.each([
    ['/dev/none', 'no such device'],
    ['/etc/passwd', 'not a device'],
  ])('refuses %s: %s', (path, why) => {
    expect(() => findDevices(device(path))).toThrow(why);
  });
});
